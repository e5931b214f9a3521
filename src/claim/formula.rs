//! The arithmetic of the ledger: `v3-gpu-hours * rent-h800-assumed`, read, checked for its units, and worked out.
//!
//! Ids of constants, numbers, `+ - * /`, parentheses, and `a .. b` for everything from `a` to `b` (it binds loosest).
//! A number may carry a unit in brackets: `24 [h/day]`. Hyphens belong to ids, so a minus needs a space before or
//! after it. There is no sign and no function: a formula is meant to be recomputed by a reader with a pocket calculator.

use super::figure;
use super::range::Range;
use super::unit::Unit;

/// Longer than any formula a page could print; it also bounds the depth of the parser.
const LONGEST: usize = 400;

/// Why a formula cannot be read or has no value.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FormulaError {
    /// A divisor is zero, or its range includes zero.
    #[error("`{0}` divides by zero, or by a range that includes it")]
    DivisionByZero(String),
    /// A result beyond the largest number.
    #[error("`{0}` has no finite value")]
    NotFinite(String),
    /// The text is longer than any formula here.
    #[error("the formula is longer than {LONGEST} bytes")]
    TooLong,
    /// Something that stands where it cannot.
    #[error("`{formula}` cannot be read at `{rest}`")]
    Unreadable {
        /// The whole formula.
        formula: String,
        /// What stands there and after.
        rest: String,
    },
    /// An id that no constant has.
    #[error("no constant is called `{0}`")]
    UnknownConstant(String),
    /// A sum, difference or range of unlike quantities.
    #[error("{left} and {right} do not add or compare")]
    UnlikeUnits {
        /// The unit on the left.
        left: String,
        /// The unit on the right.
        right: String,
    },
    /// Brackets that hold no unit.
    #[error("{0}")]
    UnknownUnit(String),
}

impl FormulaError {
    /// What to do about it.
    pub fn fix(&self) -> String {
        let text = match self {
            Self::DivisionByZero(_) => "correct the divisor, or the constant it comes from",
            Self::NotFinite(_) => "correct the size of its inputs",
            Self::TooLong => "split it into constants",
            Self::Unreadable { .. } => {
                "use ids, numbers, + - * / .. and parentheses; a minus needs a space, it is part of an id without"
            }
            Self::UnknownConstant(_) => {
                "add a [[constant]] of that id to the sources, or correct it; a minus needs a space before or after it"
            }
            Self::UnlikeUnits { .. } => "convert one side with a number and its unit, such as 24 [h/day]",
            Self::UnknownUnit(_) => return Unit::fix(),
        };
        text.to_owned()
    }
}

/// A formula that was read but not yet worked out.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula {
    text: String,
    tokens: Vec<Token>,
    tree: Tree,
}

/// An amount and its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    /// The amount.
    pub range: Range,
    /// Its unit.
    pub unit: Unit,
}

impl Figure {
    /// The amount with all its digits and its unit: `2,788,000 GPU*h`.
    pub fn in_full(&self) -> String {
        figure::input(self.range, &self.unit)
    }
}

/// A constant that went into a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Id of the constant.
    pub constant: String,
    /// Its amount and unit.
    pub figure: Figure,
}

/// A formula with its result and the way to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Worked {
    /// The formula as the file has it.
    pub formula: String,
    /// The result.
    pub figure: Figure,
    /// The printed recalculation: `2,788,000 GPU*h x 2 USD/GPU/h = 5.576 M USD`.
    pub steps: String,
    /// The constants in it, in order, each once.
    pub inputs: Vec<Input>,
}

impl Formula {
    /// Reads a formula; whether its constants exist is not asked yet.
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        if text.len() > LONGEST {
            return Err(FormulaError::TooLong);
        }
        let tokens = tokens(text)?;
        let mut parser = Parser { text, tokens: &tokens, next: 0 };
        let tree = parser.range()?;
        if parser.next < tokens.len() {
            return Err(parser.unreadable());
        }
        let tokens = tokens.into_iter().map(|(_, token)| token).collect();
        Ok(Self { text: text.to_owned(), tokens, tree })
    }

    /// The formula as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The ids it names, in order, each once.
    pub fn constants(&self) -> Vec<&str> {
        let mut ids = Vec::new();
        for token in &self.tokens {
            if let Token::Id(id) = token
                && !ids.contains(&id.as_str())
            {
                ids.push(id.as_str());
            }
        }
        ids
    }

    /// Works the formula out with the constants that `look_up` knows.
    pub fn work_out(&self, look_up: impl Fn(&str) -> Option<Figure>) -> Result<Worked, FormulaError> {
        let mut inputs = Vec::new();
        for id in self.constants() {
            let figure = look_up(id).ok_or_else(|| FormulaError::UnknownConstant(id.to_owned()))?;
            inputs.push(Input { constant: id.to_owned(), figure });
        }
        let figure = self.tree.value(&inputs)?;
        let result = figure::result(figure.range, &figure.unit);
        let steps = match self.tokens.as_slice() {
            [Token::Id(_)] => result,
            _ => format!("{} = {result}", self.with_values(&inputs)),
        };
        Ok(Worked { formula: self.text.clone(), figure, steps, inputs })
    }

    /// The formula with each id replaced by its value.
    fn with_values(&self, inputs: &[Input]) -> String {
        let mut text = String::new();
        for token in &self.tokens {
            let word = token.with_value(inputs);
            if !(text.is_empty() || text.ends_with('(') || word == ")") {
                text.push(' ');
            }
            text.push_str(&word);
        }
        text
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Number(f64, Unit),
    Id(String),
    Operator(Operator),
    Open,
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Over,
    Minus,
    Plus,
    Times,
    To,
}

impl Token {
    fn with_value(&self, inputs: &[Input]) -> String {
        match self {
            Self::Number(value, unit) => {
                Range::exact(*value).map_or_else(String::new, |range| figure::input(range, unit))
            }
            Self::Id(id) => match inputs.iter().find(|input| input.constant == *id) {
                Some(input) => figure::input(input.figure.range, &input.figure.unit),
                None => id.clone(),
            },
            Self::Operator(Operator::Over) => "/".to_owned(),
            Self::Operator(Operator::Minus) => "-".to_owned(),
            Self::Operator(Operator::Plus) => "+".to_owned(),
            Self::Operator(Operator::Times) => "x".to_owned(),
            Self::Operator(Operator::To) => "to".to_owned(),
            Self::Open => "(".to_owned(),
            Self::Close => ")".to_owned(),
        }
    }
}

/// The tokens of a formula, each with the place where it starts.
fn tokens(text: &str) -> Result<Vec<(usize, Token)>, FormulaError> {
    let mut tokens = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let simple = |token, length| Some((token, length));
        let found = match first {
            ' ' => {
                at += 1;
                continue;
            }
            '(' => simple(Token::Open, 1),
            ')' => simple(Token::Close, 1),
            '+' => simple(Token::Operator(Operator::Plus), 1),
            '-' => simple(Token::Operator(Operator::Minus), 1),
            '*' => simple(Token::Operator(Operator::Times), 1),
            '/' => simple(Token::Operator(Operator::Over), 1),
            '.' if rest.starts_with("..") => simple(Token::Operator(Operator::To), 2),
            '0'..='9' => number(rest)?,
            'a'..='z' => {
                let length = id_length(rest);
                simple(Token::Id(rest[..length].to_owned()), length)
            }
            _ => None,
        };
        let Some((token, length)) = found else {
            return Err(FormulaError::Unreadable { formula: text.to_owned(), rest: rest.to_owned() });
        };
        tokens.push((at, token));
        at += length;
    }
    Ok(tokens)
}

/// A hyphen or dot belongs to an id only if the id goes on after it.
fn id_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let belongs = |i: usize| {
        inside(bytes[i]) || (matches!(bytes[i], b'-' | b'.') && bytes.get(i + 1).is_some_and(|&b| inside(b)))
    };
    (0..bytes.len()).find(|&i| !belongs(i)).unwrap_or(bytes.len())
}

/// Digits, a fraction, a power of ten, and a unit in brackets. No value if the digits do not make a finite number.
fn number(text: &str) -> Result<Option<(Token, usize)>, FormulaError> {
    let bytes = text.as_bytes();
    let digits_from = |from: usize| bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
    let mut length = digits_from(0);
    if bytes.get(length) == Some(&b'.') && digits_from(length + 1) > 0 {
        length += 1 + digits_from(length + 1);
    }
    if bytes.get(length) == Some(&b'e') && digits_from(length + 1) > 0 {
        length += 1 + digits_from(length + 1);
    }
    let Some(value) = text[..length].parse::<f64>().ok().filter(|value| value.is_finite()) else {
        return Ok(None);
    };
    let rest = text[length..].trim_start_matches(' ');
    let Some((unit, _)) = rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) else {
        return Ok(Some((Token::Number(value, Unit::default()), length)));
    };
    let spaces = text.len() - length - rest.len();
    let parsed = Unit::parse(unit).map_err(FormulaError::UnknownUnit)?;
    Ok(Some((Token::Number(value, parsed), length + spaces + unit.len() + 2)))
}

#[derive(Clone, Debug, PartialEq)]
enum Tree {
    Number(f64, Unit),
    Constant(String),
    Pair(Box<Self>, Operator, Box<Self>),
}

struct Parser<'a> {
    text: &'a str,
    tokens: &'a [(usize, Token)],
    next: usize,
}

impl Parser<'_> {
    fn range(&mut self) -> Result<Tree, FormulaError> {
        self.pairs(&[Operator::To], |parser| {
            parser.pairs(&[Operator::Plus, Operator::Minus], |parser| {
                parser.pairs(&[Operator::Times, Operator::Over], Self::single)
            })
        })
    }

    /// Operands of one rank, joined from left to right.
    fn pairs(
        &mut self,
        operators: &[Operator],
        operand: impl Fn(&mut Self) -> Result<Tree, FormulaError>,
    ) -> Result<Tree, FormulaError> {
        let mut tree = operand(self)?;
        while let Some((_, Token::Operator(operator))) = self.tokens.get(self.next)
            && operators.contains(operator)
        {
            self.next += 1;
            tree = Tree::Pair(Box::new(tree), *operator, Box::new(operand(self)?));
        }
        Ok(tree)
    }

    fn single(&mut self) -> Result<Tree, FormulaError> {
        let tree = match self.tokens.get(self.next) {
            Some((_, Token::Number(value, unit))) => Tree::Number(*value, unit.clone()),
            Some((_, Token::Id(id))) => Tree::Constant(id.clone()),
            Some((_, Token::Open)) => {
                self.next += 1;
                let inner = self.range()?;
                if !matches!(self.tokens.get(self.next), Some((_, Token::Close))) {
                    return Err(self.unreadable());
                }
                inner
            }
            _ => return Err(self.unreadable()),
        };
        self.next += 1;
        Ok(tree)
    }

    fn unreadable(&self) -> FormulaError {
        let rest = self.tokens.get(self.next).map_or("the end", |(at, _)| &self.text[*at..]);
        FormulaError::Unreadable { formula: self.text.to_owned(), rest: rest.to_owned() }
    }
}

impl Tree {
    fn value(&self, inputs: &[Input]) -> Result<Figure, FormulaError> {
        match self {
            Self::Number(value, unit) => {
                let range = Range::exact(*value).expect("the parser took only finite numbers");
                Ok(Figure { range, unit: unit.clone() })
            }
            Self::Constant(id) => {
                let known = inputs.iter().find(|input| input.constant == *id);
                Ok(known.expect("every id of the tree was looked up before").figure.clone())
            }
            Self::Pair(left, operator, right) => operator.apply(&left.value(inputs)?, &right.value(inputs)?),
        }
    }
}

impl Operator {
    fn apply(self, left: &Figure, right: &Figure) -> Result<Figure, FormulaError> {
        let adds = matches!(self, Self::Minus | Self::Plus | Self::To);
        if adds && left.unit != right.unit {
            let (left, right) = (left.unit.to_string(), right.unit.to_string());
            return Err(FormulaError::UnlikeUnits { left, right });
        }
        let (a, b) = (left.range, right.range);
        let (range, unit) = match self {
            Self::Over => (a.over(b), left.unit.over(&right.unit)),
            Self::Minus => (a.minus(b), left.unit.clone()),
            Self::Plus => (a.plus(b), left.unit.clone()),
            Self::Times => (a.times(b), left.unit.times(&right.unit)),
            Self::To => (Some(a.to(b)), left.unit.clone()),
        };
        if let Some(range) = range {
            return Ok(Figure { range, unit });
        }
        let shown = |figure: &Figure| figure::result(figure.range, &figure.unit);
        if self == Self::Over && b.low() <= 0.0 && b.high() >= 0.0 {
            return Err(FormulaError::DivisionByZero(format!("{} / {}", shown(left), shown(right))));
        }
        Err(FormulaError::NotFinite(format!("{} and {}", shown(left), shown(right))))
    }
}

#[cfg(test)]
#[path = "formula_tests.rs"]
mod tests;

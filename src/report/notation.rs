//! Calculations of the ledger as each language writes them.
//!
//! The ledger prints them in one notation, `2,788,000 GPU*h x 2 USD/GPU/h = 5.576 M USD`: English digits, `bn` for a
//! thousand million, `to` between the ends of a range, and unit symbols of which some are words.

use super::words::Words;

/// A calculation with the digits, signs and unit words of a language.
pub(crate) fn localised(words: &Words, calculation: &str) -> String {
    let letters: Vec<char> = calculation.chars().collect();
    let mut text = String::with_capacity(calculation.len());
    let mut place = 0;
    while place < letters.len() {
        let start = place;
        let c = letters[place];
        if c.is_ascii_digit() {
            while is_part_of_number(&letters, place) {
                place += 1;
            }
            let number: String = letters[start..place].iter().collect();
            text.push_str(&number_in(words, &number));
        } else if c.is_alphabetic() {
            while letters.get(place).is_some_and(|c| c.is_alphabetic()) {
                place += 1;
            }
            let word: String = letters[start..place].iter().collect();
            text.push_str(word_in(words, &word));
        } else {
            // A product of units is a point on half height, a quotient keeps its stroke.
            text.push(if c == '*' { '·' } else { c });
            place += 1;
        }
    }
    text
}

/// Digits, and points and commas with a digit behind them.
fn is_part_of_number(letters: &[char], place: usize) -> bool {
    let is_digit = |place: usize| letters.get(place).is_some_and(char::is_ascii_digit);
    match letters.get(place) {
        Some('.' | ',') => is_digit(place + 1),
        _ => is_digit(place),
    }
}

fn number_in(words: &Words, number: &str) -> String {
    let mut text = String::new();
    for c in number.chars() {
        match c {
            ',' => text.push_str(words.numerals.thousands),
            '.' => text.push_str(words.numerals.decimal),
            digit => text.push(digit),
        }
    }
    text
}

fn word_in<'a>(words: &Words, word: &'a str) -> &'a str {
    if word == "x" {
        return "×";
    }
    words.numerals.notation.iter().find(|(ledger, _)| *ledger == word).map_or(word, |(_, own)| own)
}

#[cfg(test)]
mod tests {
    use super::super::words::{EN, FR};
    use super::*;

    #[test]
    fn a_calculation_in_both_languages() {
        let ledger = "(1.7 to 2.99) USD/GPU/h x 2,788,000 GPU*h = 4.74 M to 8.336 M USD, or 1.6 bn USD/year.";
        assert_eq!(
            localised(&EN, ledger),
            "(1.7 to 2.99) USD/GPU/h × 2,788,000 GPU·h = 4.74 M to 8.336 M USD, or 1.6 bn USD/year."
        );
        assert_eq!(
            localised(&FR, ledger),
            "(1,7 à 2,99) USD/GPU/h × 2\u{202f}788\u{202f}000 GPU·h = 4,74 M à 8,336 M USD, or 1,6 Md USD/an."
        );
    }

    #[test]
    fn powers_of_ten_and_empty_texts_survive() {
        assert_eq!(localised(&FR, "3.286e24 FLOP"), "3,286e24 FLOP");
        assert_eq!(localised(&FR, ""), "");
    }
}

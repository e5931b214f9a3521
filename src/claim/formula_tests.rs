//! Formulas: what they read, what they refuse, and their arithmetic on ranges.

use proptest::prelude::*;

use super::*;

fn look_up(id: &str) -> Option<Figure> {
    let (range, unit) = match id {
        "v3-gpu-hours" => (Range::exact(2_788_000.0), "GPU*h"),
        "rent-h800-assumed" => (Range::exact(2.0), "USD/GPU/h"),
        "rent" => (Range::between(1.7, 2.99), "USD/GPU/h"),
        "nothing" => (Range::exact(0.0), "GPU"),
        "a-1" => (Range::exact(1.0), "x"),
        "a" => (Range::exact(8.0), "x"),
        _ => return None,
    };
    Some(Figure { range: range.unwrap(), unit: Unit::parse(unit).unwrap() })
}

fn work_out(text: &str) -> Result<Worked, FormulaError> {
    Formula::parse(text)?.work_out(look_up)
}

#[track_caller]
fn value(text: &str) -> f64 {
    work_out(text).unwrap().figure.range.central().unwrap()
}

#[test]
fn the_recalculation_prints_its_inputs_and_result() {
    let worked = work_out("v3-gpu-hours * rent-h800-assumed").unwrap();
    assert_eq!(worked.steps, "2,788,000 GPU*h x 2 USD/GPU/h = 5.576 M USD");
    assert_eq!(worked.figure.unit, Unit::usd());
    assert_eq!(
        worked.inputs.iter().map(|i| i.constant.as_str()).collect::<Vec<_>>(),
        ["v3-gpu-hours", "rent-h800-assumed"]
    );
}

#[test]
fn a_range_goes_through_the_arithmetic() {
    let worked = work_out("v3-gpu-hours * rent").unwrap();
    assert_eq!(worked.steps, "2,788,000 GPU*h x (1.7 to 2.99) USD/GPU/h = 4.74 M to 8.336 M USD");
    let spelled = work_out("v3-gpu-hours * (1.7 [USD/GPU/h] .. 2.99 [USD/GPU/h])").unwrap();
    assert_eq!(spelled.figure, worked.figure);
}

#[test]
fn precedence_is_the_usual_one() {
    assert!((value("1 + 2 * 3") - 7.0).abs() < 1e-12);
    assert!((value("(1 + 2) * 3") - 9.0).abs() < 1e-12);
    assert!((value("24 / 4 / 2") - 3.0).abs() < 1e-12);
    assert!((value("10 - 4 - 3") - 3.0).abs() < 1e-12);
    assert!((value("1.5e3 + 2") - 1_502.0).abs() < 1e-12);
    let range = work_out("1 + 1 .. 2 * 4").unwrap().figure.range;
    assert_eq!(Some(range), Range::between(2.0, 8.0));
}

#[test]
fn a_hyphen_inside_an_id_is_no_minus() {
    assert!((value("a-1") - 1.0).abs() < 1e-12);
    assert!((value("a - 1") - 7.0).abs() < 1e-12);
    assert!((value("a -1") - 7.0).abs() < 1e-12);
    assert_eq!(work_out("a-2").unwrap_err(), FormulaError::UnknownConstant("a-2".to_owned()));
}

#[test]
fn unlike_quantities_do_not_add() {
    let error = work_out("v3-gpu-hours + rent").unwrap_err();
    assert_eq!(error.to_string(), "GPU*h and USD/GPU/h do not add or compare");
    assert!(work_out("nothing + 1").is_err());
}

#[test]
fn dividing_by_zero_names_the_division() {
    let error = work_out("v3-gpu-hours / nothing").unwrap_err();
    assert_eq!(error.to_string(), "`2.788 M GPU*h / 0 GPU` divides by zero, or by a range that includes it");
    assert!(matches!(work_out("1 / (2 - 2)").unwrap_err(), FormulaError::DivisionByZero(_)));
    assert!(matches!(work_out("1 / (0 .. 2)").unwrap_err(), FormulaError::DivisionByZero(_)));
    assert!(matches!(work_out("1e300 * 1e300").unwrap_err(), FormulaError::NotFinite(_)));
}

#[test]
fn what_cannot_be_read_is_shown() {
    for (text, rest) in [
        ("a * ", "the end"),
        ("a b", "b"),
        ("(a", "the end"),
        ("a)", ")"),
        ("* a", "* a"),
        ("a ^ 2", "^ 2"),
        ("-a", "-a"),
        ("", "the end"),
        ("1e999", "1e999"),
        ("é", "é"),
    ] {
        let expected = FormulaError::Unreadable { formula: text.to_owned(), rest: rest.to_owned() };
        assert_eq!(Formula::parse(text).unwrap_err(), expected);
    }
    assert!(matches!(Formula::parse("2 [USD/furlong]").unwrap_err(), FormulaError::UnknownUnit(_)));
    assert_eq!(Formula::parse(&"(".repeat(500)).unwrap_err(), FormulaError::TooLong);
    assert!(Formula::parse(&format!("{}1{}", "(".repeat(199), ")".repeat(199))).is_ok());
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z0-9 .*/+()\\[\\]-]{0,40}|\\PC{0,20}") {
        if let Ok(formula) = Formula::parse(&text) {
            drop(formula.work_out(look_up));
        }
    }

    #[test]
    fn sums_and_products_are_those_of_the_numbers(a in 0..10_000_u32, b in 1..10_000_u32, c in 0..10_000_u32) {
        let (x, y, z) = (f64::from(a), f64::from(b), f64::from(c));
        let computed = value(&format!("{a} * ({b} + {c}) / {b} - {c}"));
        prop_assert!((computed - (x * (y + z) / y - z)).abs() <= 1e-9 * (1.0 + computed.abs()));
    }
}

//! Numbers as the Unicode data says both languages write them, through another program than our own.

use fixed_decimal_text::as_unicode_writes;
use proptest::prelude::*;

use super::words::Words;
use crate::language::Language;

/// The other program: ICU4X with the locale data of CLDR.
mod fixed_decimal_text {
    use icu_decimal::input::Decimal;
    use icu_decimal::options::DecimalFormatterOptions;
    use icu_decimal::{DecimalFormatter, DecimalFormatterPreferences};
    use icu_locale_core::Locale;

    use crate::language::Language;

    /// Digits with a point, such as `1234.50`, as CLDR groups and separates them.
    pub(super) fn as_unicode_writes(digits: &str, language: Language) -> String {
        let locale = Locale::try_from_str(language.id()).unwrap();
        let preferences = DecimalFormatterPreferences::from(&locale);
        let formatter = DecimalFormatter::try_new(preferences, DecimalFormatterOptions::default()).unwrap();
        formatter.format(&Decimal::try_from_str(digits).unwrap()).to_string()
    }
}

proptest! {
    #[test]
    fn numbers_are_grouped_and_separated_as_unicode_says(value in 0.0..1e13_f64, decimals in 0..6_usize) {
        for language in Language::ALL {
            let ours = Words::of(language).numerals.fixed(value, decimals);
            prop_assert_eq!(ours, as_unicode_writes(&format!("{value:.decimals$}"), language));
        }
    }
}

#[test]
fn small_numbers_are_not_grouped() {
    for language in Language::ALL {
        for value in [0.0, 7.0, 999.0, 1_000.0, 12_345.0] {
            let ours = Words::of(language).numerals.fixed(value, 0);
            assert_eq!(ours, as_unicode_writes(&format!("{value:.0}"), language));
        }
    }
}

//! A date as precisely as it is known.

use std::fmt;

use time::{Date as Day, Month};

/// A year, a month or a day, written `2025`, `2025-02` or `2025-02-28`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Date(String);

/// A text that is no date.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("`{0}` is not a date")]
pub struct NotADate(String);

impl Date {
    /// Takes a date that exists; `2025-02-30` does not.
    pub fn new(text: &str) -> Result<Self, NotADate> {
        exists(text).then(|| Self(text.to_owned())).ok_or_else(|| NotADate(text.to_owned()))
    }

    /// The date as text; texts of one precision sort by time.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn exists(text: &str) -> bool {
    let widths = [4, 2, 2];
    let mut parts = [None, None, None];
    for (index, part) in text.split('-').enumerate() {
        let good = widths.get(index) == Some(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
        let Some(number) = good.then(|| part.parse::<u16>().ok()).flatten() else { return false };
        parts[index] = Some(number);
    }
    let [Some(year), month, day] = parts else { return false };
    let small = |part: Option<u16>| part.map_or(Ok(1), u8::try_from);
    let (Ok(month), Ok(day)) = (small(month), small(day)) else { return false };
    Month::try_from(month).is_ok_and(|month| Day::from_calendar_date(i32::from(year), month, day).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_as_precise_as_it_is_known() {
        for good in ["2025", "2025-02", "2025-02-28", "2024-02-29"] {
            assert_eq!(Date::new(good).unwrap().as_str(), good);
        }
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        for bad in
            ["", "25", "2025-2", "2025-13", "2025-00", "2025-02-29", "2025-02-28-01", "2025-S1", "+025"]
        {
            assert_eq!(Date::new(bad).unwrap_err().to_string(), format!("`{bad}` is not a date"));
        }
    }
}

//! The two languages of the pages, and texts that exist in both.

/// A language of the pages, and of a printed number: it decides what a comma means.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Language {
    /// Comma between thousands, point before decimals.
    English,
    /// Comma before decimals, space between thousands.
    French,
}

impl Language {
    /// Both, in the order in which pages are written.
    pub const ALL: [Self; 2] = [Self::English, Self::French];

    /// The language code used in files and pages (BCP 47).
    pub const fn id(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// The language of a POSIX locale such as `fr_FR.UTF-8`; English for any that is not French.
    ///
    /// ```
    /// # use claimbench::language::Language;
    /// assert_eq!(Language::from_locale("fr_CA.UTF-8"), Language::French);
    /// assert_eq!(Language::from_locale("frr_DE"), Language::English, "North Frisian is no French");
    /// ```
    pub fn from_locale(locale: &str) -> Self {
        let code = locale.split(['_', '-', '.', '@']).next().unwrap_or_default();
        if code.eq_ignore_ascii_case("fr") { Self::French } else { Self::English }
    }
}

/// A text in both languages, so that none of them can be forgotten.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Bilingual {
    /// English.
    pub en: String,
    /// French.
    pub fr: String,
}

impl Bilingual {
    /// The text in one language.
    pub fn get(&self, language: Language) -> &str {
        match language {
            Language::English => &self.en,
            Language::French => &self.fr,
        }
    }
}

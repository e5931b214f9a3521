//! The names of the pages: one file per page and language, beside each other.

use crate::language::Language;

/// A page that exists in every language.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum PageFile {
    /// The list of runs, or a run: the page a folder opens with.
    Front,
    /// Every claim of the ledger.
    Claims,
}

impl PageFile {
    /// The file's name.
    pub(crate) const fn name(self, language: Language) -> &'static str {
        match (self, language) {
            (Self::Front, Language::English) => "index.html",
            (Self::Front, Language::French) => "fr.html",
            (Self::Claims, Language::English) => "claims.html",
            (Self::Claims, Language::French) => "claims.fr.html",
        }
    }
}

//! Which hub, which cache, which token: as every client of the hub reads them from the environment.

#![expect(clippy::disallowed_methods, reason = "reads the hub's variables and its token file")]

use std::fmt;
use std::fs;
use std::path::PathBuf;

use super::patience::Patience;

/// Everything a [`super::Hub`] has to know.
#[derive(Clone)]
pub struct HubSettings {
    /// Its address, perhaps with a path; `None` for the public hub or the one `HF_ENDPOINT` names.
    pub endpoint: Option<String>,
    /// Where files are kept; `None` for what `HF_HUB_CACHE` and `HF_HOME` say.
    pub cache: Option<PathBuf>,
    /// Who asks.
    pub token: Option<String>,
    /// True if the network is forbidden.
    pub is_offline: bool,
    /// Times and counts.
    pub patience: Patience,
}

impl HubSettings {
    /// `HF_ENDPOINT`, `HF_HOME`, `HF_HUB_CACHE`, `HF_TOKEN`, `HF_TOKEN_PATH`, `HF_HUB_DISABLE_IMPLICIT_TOKEN` and
    /// `HF_HUB_OFFLINE` as they are.
    pub fn from_environment() -> Self {
        Self {
            endpoint: None,
            cache: None,
            token: token(),
            is_offline: is_true(variable("HF_HUB_OFFLINE").as_deref()),
            patience: Patience::default(),
        }
    }

    /// True if the environment or a file holds a token. The token itself stays where it is.
    pub fn has_token() -> bool {
        token().is_some()
    }

    /// A hub at `endpoint` with its cache in `cache` and nobody's token; for mirrors and tests.
    pub fn at(endpoint: &str, cache: &std::path::Path) -> Self {
        Self {
            endpoint: Some(endpoint.to_owned()),
            cache: Some(cache.to_owned()),
            token: None,
            is_offline: false,
            patience: Patience::default(),
        }
    }
}

/// The token and an address with a password are for the hub alone.
impl fmt::Debug for HubSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cache, has_token) = (&self.cache, self.token.is_some());
        f.debug_struct("HubSettings")
            .field("cache", cache)
            .field("has_token", &has_token)
            .finish_non_exhaustive()
    }
}

/// The token that hf-hub would use, which keeps it to itself: the environment, then a file.
fn token() -> Option<String> {
    if variable("HF_HUB_DISABLE_IMPLICIT_TOKEN").is_some() {
        return None;
    }
    let files = [variable("HF_TOKEN_PATH").map(PathBuf::from), Some(hf_hub::hf_home().join("token"))];
    let read = |path: PathBuf| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let in_file = || files.into_iter().flatten().filter_map(read).find(|text| !text.is_empty());
    variable("HF_TOKEN")
        .map(|token| token.trim().to_owned())
        .filter(|token| !token.is_empty())
        .or_else(in_file)
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// What the hub's clients take for yes.
fn is_true(value: Option<&str>) -> bool {
    value.is_some_and(|value| ["1", "on", "yes", "true"].contains(&value.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn yes_has_four_spellings_and_zero_is_none() {
        for yes in ["1", "ON", "yes", "True"] {
            assert!(is_true(Some(yes)), "{yes}");
        }
        for no in [None, Some("0"), Some("no"), Some("off"), Some("")] {
            assert!(!is_true(no), "{no:?}");
        }
    }

    #[test]
    fn settings_print_neither_token_nor_password() {
        let mut settings = HubSettings::at("https://me:secret@mirror.example", std::path::Path::new("/c"));
        settings.token = Some("hf_hidden".to_owned());
        let shown = format!("{settings:?}");
        assert!(!shown.contains("secret") && !shown.contains("hf_hidden"), "{shown}");
        assert!(shown.contains("has_token: true"), "{shown}");
    }
}

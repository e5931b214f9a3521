//! The language of the user, as the environment tells it.

#![expect(clippy::disallowed_methods, reason = "reads the environment's locale")]

use crate::language::Language;

/// The variables that name the language of messages; the first that is set and not empty decides (POSIX, 8.2).
const VARIABLES: [&str; 3] = ["LC_ALL", "LC_MESSAGES", "LANG"];

/// The user's language; English where nothing says otherwise.
pub(super) fn user_language() -> Language {
    choose(|name| std::env::var(name).ok())
}

fn choose(variable: impl Fn(&str) -> Option<String>) -> Language {
    let named = VARIABLES.iter().filter_map(|name| variable(name)).find(|locale| !locale.is_empty());
    named.map_or(Language::English, |locale| Language::from_locale(&locale))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let of = |set: &[(&str, &str)]| {
            choose(|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(of(&[]), Language::English);
        assert_eq!(of(&[("LANG", "fr_FR.UTF-8")]), Language::French);
        assert_eq!(of(&[("LC_ALL", "C.UTF-8"), ("LANG", "fr_FR.UTF-8")]), Language::English);
        assert_eq!(of(&[("LC_ALL", ""), ("LC_MESSAGES", "fr_CA"), ("LANG", "en_US")]), Language::French);
    }
}

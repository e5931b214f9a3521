//! What holds between the languages: nothing foreign without a mark, good spaces in French, one structure in both.

use super::laws::pages_in;
use super::page_text::{Piece, attribute, pieces};
use crate::language::Language::{self, English, French};

/// What a page says in its own voice: no quotations, no commands, nothing marked as another language.
pub(super) fn own_words(html: &str, language: Language) -> Vec<String> {
    let own = |piece: &Piece| piece.lang == language.id() && !piece.is_quoted && !piece.is_code;
    pieces(html).into_iter().filter(own).map(|piece| piece.text).collect()
}

/// Pairs of characters that good French typography never prints.
fn faults(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    for (place, pair) in letters.windows(2).enumerate() {
        let around: String =
            letters[place.saturating_sub(12)..(place + 12).min(letters.len())].iter().collect();
        let plain_before = pair[0] == ' ' && (";:!?%»$€".contains(pair[1]));
        let plain_after = pair[0] == '«' && pair[1] == ' ';
        let glued = pair[0] != '\u{202f}' && ";!?".contains(pair[1]);
        let colon = pair == [':', ' '] && place > 0 && letters[place - 1] != '\u{a0}';
        let straight = pair[0].is_alphabetic() && pair[1] == '\'';
        if plain_before || plain_after || glued || colon || straight {
            found.push(around);
        }
    }
    for (place, group) in letters.windows(5).enumerate() {
        // A name may hold a figure beside another, as Llama 3.1 405B does.
        let is_name = letters.get(place + 5).is_some_and(|c| c.is_alphanumeric());
        let is_group = group[0].is_ascii_digit() && group[2..].iter().all(char::is_ascii_digit);
        if is_group && !is_name && " \u{a0}.".contains(group[1]) {
            found.push(group.iter().collect());
        }
    }
    for unit in [" M$", " Md$", " Go", " J/token", " tokens/s", " ms"] {
        if let Some((before, _)) = text.split_once(unit)
            && before.ends_with(|c: char| c.is_ascii_digit())
        {
            found.push(format!("{before}{unit}"));
        }
    }
    found
}

#[test]
fn the_checker_of_spaces_finds_what_it_should() {
    for bad in [
        "prix : 3",
        "vrai ?",
        "5,6 M$",
        "61 %",
        "« oui »",
        "1 234 567",
        "1\u{a0}234",
        "l'heure",
        "vrai; faux",
        "2025; non",
        "prix: 3",
    ] {
        assert!(!faults(bad).is_empty(), "{bad}");
    }
    for good in [
        "prix\u{a0}: 3",
        "vrai\u{202f}?",
        "5,6\u{a0}M$",
        "61\u{a0}%",
        "1\u{202f}234",
        "03:40",
        "0,0042",
        "l’heure",
    ] {
        assert_eq!(faults(good), Vec::<String>::new(), "{good}");
    }
}

/// Fails on the first fault of a French text.
pub(super) fn check_spaces(text: &str) {
    assert_eq!(faults(text), Vec::<String>::new(), "{text}");
}

/// Fails on an English word that no French text has.
pub(super) fn check_no_unmarked_english(text: &str) {
    let english =
        ["the", "of", "and", "is", "are", "with", "not", "by", "from", "was", "unknown", "measured", "none"];
    let foreign = text.split(|c: char| !c.is_alphanumeric()).find(|word| english.contains(word));
    assert_eq!(foreign, None, "{text}");
}

#[test]
fn french_pages_keep_their_spaces() {
    for text in pages_in(French).iter().flat_map(|html| own_words(html, French)) {
        check_spaces(&text);
    }
}

#[test]
fn a_thousand_million_is_a_milliard() {
    for html in pages_in(French) {
        for text in own_words(html, French) {
            assert!(!text.to_lowercase().contains("billion"), "{text}");
        }
    }
}

#[test]
fn no_english_is_left_in_the_french_pages_unmarked() {
    for text in pages_in(French).iter().flat_map(|html| own_words(html, French)) {
        check_no_unmarked_english(&text);
    }
}

#[test]
fn calculations_are_in_the_language_of_the_page() {
    let html = &pages_in(French)[4];
    let calculations: Vec<String> =
        html.split("<pre>").skip(1).map(|rest| rest.split_once('<').unwrap().0.to_owned()).collect();
    assert_eq!(
        calculations[..2],
        [
            "2\u{202f}788\u{202f}000 GPU·h × 2 USD/GPU/h = 5,576 M USD",
            "2\u{202f}788\u{202f}000 GPU·h / 2\u{202f}048 GPU / 24 h/jour = 56,72 jour"
        ]
    );
}

#[test]
fn what_a_run_file_says_in_english_is_marked_as_english() {
    let html = &pages_in(French)[0];
    let marked: Vec<String> =
        pieces(html).into_iter().filter(|piece| piece.lang == "en").map(|piece| piece.text).collect();
    for text in [
        "out of memory: 3.1 GB needed, 1.9 GB free; close other programs",
        "2 of 64 processors of a server rated 500 W, load 100 %",
        "run on bare metal",
    ] {
        assert!(marked.iter().any(|piece| piece == text), "{text} is not marked");
    }
}

#[test]
fn every_quotation_says_its_language() {
    for language in Language::ALL {
        let mut seen = 0;
        for html in pages_in(language) {
            for tag in html.split('<').filter(|tag| tag.starts_with("q ") || tag.starts_with("blockquote ")) {
                assert!(attribute(tag.split('>').next().unwrap(), "lang").is_some(), "{tag}");
                seen += 1;
            }
            assert!(!html.contains("<q>") && !html.contains("<blockquote>"));
        }
        assert!(seen >= 6, "{seen}");
    }
}

#[test]
fn both_languages_have_one_structure() {
    for (english, french) in pages_in(English).iter().zip(pages_in(French)) {
        let tags = |html: &str| -> Vec<String> {
            let names = html.split('<').skip(1).map(|tag| {
                let tag = tag.split('>').next().unwrap_or_default();
                let name = tag.split_whitespace().next().unwrap_or_default();
                let id = attribute(tag, "id").unwrap_or_default();
                format!("{name}#{id}")
            });
            // A mark for a foreign text, a line of a chart's label and a switch of language are all that may differ.
            let differs = ["span", "/span", "text", "/text", "strong", "/strong", "a", "/a"];
            names.filter(|tag| !differs.contains(&tag.trim_end_matches('#'))).collect()
        };
        assert_eq!(tags(english), tags(french));
    }
}

#[test]
fn each_page_names_its_language_and_leads_to_the_other() {
    for language in Language::ALL {
        for html in pages_in(language) {
            assert!(html.contains(&format!("<html lang=\"{}\">", language.id())));
            for other in Language::ALL {
                let tag = format!("<link rel=\"alternate\" hreflang=\"{}\"", other.id());
                assert_eq!(html.matches(&tag).count(), 1, "{tag}");
            }
            let other = if language == English { French } else { English };
            assert_eq!(
                html.matches(&format!("hreflang=\"{}\" lang=\"{}\"", other.id(), other.id())).count(),
                1
            );
        }
    }
}

#[test]
fn token_is_explained_where_it_first_stands_in_french() {
    for html in pages_in(French) {
        let (_, body) = html.split_once("<h1>").unwrap();
        if let Some(first) = body.find("token") {
            let after: String = body[first..].chars().take(22).collect();
            let is_explained = after.contains("(jeton");
            assert!(is_explained || after.starts_with("tokens/s"), "{after}");
        }
    }
}

//! The shipped ledger on its pages: nothing left out, good French, no English without a mark.

use std::sync::LazyLock;

use super::language_laws::{check_no_unmarked_english, check_spaces, own_words};
use super::page_text::{attribute, pieces};
use super::pages::{Page, run_pages};
use super::sample_run::run;
use crate::cli::Catalog;
use crate::language::Language::French;

/// The pages of the sample run beside the shipped ledger: English and French, the run and the claims.
static PAGES: LazyLock<Vec<Page>> =
    LazyLock::new(|| run_pages(&run(), &Catalog::shipped().unwrap().ledger, None));

fn page(name: &str) -> &'static str {
    &PAGES.iter().find(|page| page.name == name).unwrap().html
}

#[test]
fn every_claim_has_its_card_and_its_line_in_the_contents() {
    let ledger = Catalog::shipped().unwrap().ledger;
    for name in ["claims.html", "claims.fr.html"] {
        let html = page(name);
        assert_eq!(html.matches("<article ").count(), ledger.claims().len());
        for claim in ledger.claims() {
            assert!(html.contains(&format!("<article class=\"card\" id=\"{}\"", claim.id)), "{}", claim.id);
            assert!(html.contains(&format!("<li><a href=\"#{}\">", claim.id)), "{}", claim.id);
        }
    }
}

#[test]
fn every_cited_speed_has_its_row_with_its_source() {
    let ledger = Catalog::shipped().unwrap().ledger;
    for (name, implausible) in
        [("claims.html", "</svg>Implausible</span>"), ("claims.fr.html", "</svg>Invraisemblable</span>")]
    {
        let html = page(name);
        for speed in ledger.speeds().speeds() {
            let (_, rest) = html.split_once(&format!("<tr role=\"row\" id=\"speed-{}\">", speed.id)).unwrap();
            let row = rest.split_once("</tr>").unwrap().0;
            let address = ledger.source(&speed.sources[0]).unwrap().address.as_deref().unwrap();
            assert!(row.contains(&format!("<a href=\"{address}\"")), "{}: {row}", speed.id);
            assert_eq!(row.contains(implausible), speed.check().id() == "implausible", "{}", speed.id);
        }
    }
}

#[test]
fn a_link_from_a_run_to_a_claim_arrives() {
    for (front, claims) in [("index.html", "claims.html"), ("fr.html", "claims.fr.html")] {
        let start = format!("href=\"{claims}#");
        let targets: Vec<&str> =
            page(front).split(&start).skip(1).map(|rest| rest.split_once('"').unwrap().0).collect();
        assert!(targets.len() >= 10, "{}", targets.len());
        for target in targets {
            assert!(page(claims).contains(&format!(" id=\"{target}\"")), "{target}");
        }
    }
}

#[test]
fn ids_are_unique() {
    for page in PAGES.iter() {
        let mut ids: Vec<&str> =
            page.html.split(" id=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0).collect();
        let all = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), all, "{}", page.name);
    }
}

#[test]
fn the_french_pages_keep_their_spaces_and_hold_no_unmarked_english() {
    let ledger = Catalog::shipped().unwrap().ledger;
    let publishers: Vec<&str> =
        ledger.facts().sources().iter().filter_map(|source| source.publisher.as_deref()).collect();
    for name in ["fr.html", "claims.fr.html"] {
        for text in own_words(page(name), French) {
            // A publisher keeps its name in every language.
            let text = publishers.iter().fold(text, |text, publisher| text.replace(publisher, ""));
            check_spaces(&text);
            check_no_unmarked_english(&text);
            assert!(!text.to_lowercase().contains("billion"), "{text}");
        }
    }
}

#[test]
fn calculations_leave_no_english_word_in_french() {
    let english = ["to", "bn", "day", "year", "node", "parameter", "person", "country", "company", "model"];
    for name in ["fr.html", "claims.fr.html"] {
        for piece in pieces(page(name)).into_iter().filter(|piece| piece.is_code && piece.lang == "fr") {
            let mut words = piece.text.split(|c: char| !c.is_alphanumeric());
            assert!(!words.any(|word| english.contains(&word)), "{}", piece.text);
        }
    }
}

#[test]
fn every_quotation_says_its_language() {
    for page in PAGES.iter() {
        for tag in page.html.split('<').filter(|tag| tag.starts_with("q ") || tag.starts_with("blockquote "))
        {
            let lang = attribute(tag.split('>').next().unwrap(), "lang");
            assert!(matches!(lang.as_deref(), Some("en" | "fr")), "{}: {tag}", page.name);
        }
    }
}

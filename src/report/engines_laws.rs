//! What a page must show of a case that two engines measured.

use super::index_page::IndexEntry;
use super::laws::page;
use super::ledger_view::LedgerView;
use super::sample_run::run;
use crate::language::Language::{self, English, French};
use crate::measurement::Run;

fn shown(run: &Run, language: Language) -> String {
    page(run, &LedgerView::default(), None, language)
        .replace(['\u{a0}', '\u{202f}'], " ")
        .replace("&#39;", "'")
}

/// The cells of a row in the table of two engines.
fn cells(html: &str, name: &str) -> Vec<String> {
    let part = html.split_once("two engines</h3>").unwrap().1;
    let row = part.split_once(name).unwrap().1.split_once("</tr>").unwrap().0;
    row.split("<td")
        .skip(1)
        .map(|cell| cell.split_once('>').unwrap().1.replace("</td>", "").trim().to_owned())
        .collect()
}

#[test]
fn a_case_by_two_engines_has_both_figures_beside_each_other_and_their_ratio() {
    let html = shown(&run(), English);
    assert!(html.contains("candle-transformers is what Candle gives out of the box"));
    // TPOT of 0.118 s over 0.0699 s is 1.688, TTFT of 2.91 s over 2.04 s is 1.426.
    let decode = cells(&html, "Generation speed");
    assert!(decode[0].starts_with("14.28 tokens/s") && decode[1].starts_with("8.46 tokens/s"), "{decode:?}");
    assert!(decode[2].starts_with("1.688 (") && decode[2].ends_with(", 95 %)"), "{decode:?}");
    assert!(cells(&html, "Prefill speed")[2].starts_with("1.426 ("));
    // One load each.
    let load = &cells(&html, "Loading the model")[2];
    assert_eq!(
        load,
        "1.00 (no interval: a comparison needs 3 process starts of each, and there are 1 and 1)"
    );
    let french = shown(&run(), French);
    assert!(french.contains("candle-transformers est ce que Candle donne tel quel"));
    assert!(french.contains("une comparaison demande 3 démarrages de chacun, il y en a 1 et 1"));
}

#[test]
fn the_row_of_another_engine_is_named_wherever_it_stands() {
    let html = shown(&run(), English);
    let title = "Q4_K_M, Short chat turn, candle-transformers";
    // Bars of two kinds with their tables, costs, its own part with its tables, and energy.
    assert!(html.matches(title).count() > 8, "{}", html.matches(title).count());
    assert!(!html.contains(", claimbench</"));
}

#[test]
fn whichever_row_comes_first_the_engine_of_this_project_speaks_for_the_run() {
    let verdict = |run: &Run| {
        let html = shown(run, English);
        html.split_once("<h1").unwrap().1.split_once("<table").unwrap().0.to_owned()
    };
    let (mut turned, first) = (run(), verdict(&run()));
    turned.cases.rotate_right(1);
    assert!(!turned.cases[0].engine.is_own());
    assert_eq!(verdict(&turned), first);
    assert_eq!(IndexEntry::of(&turned).headline, IndexEntry::of(&run()).headline);
    // Alone it speaks for itself, and nothing stands beside it.
    turned.cases.truncate(1);
    assert_ne!(verdict(&turned), first);
    assert!(!shown(&turned, English).contains("two engines</h3>"));
}

//! What holds for every page, whatever the data.

use super::sample_run::{ledger, price, run};
use super::{IndexEntry, LedgerView, RunPage, render_index};
use crate::measurement::{Energy, Failure, Measurement, Outcome, Run, RunId, Stage};

fn page(run: &Run, ledger: &LedgerView) -> String {
    RunPage { run, ledger, price: Some(&price()) }.render()
}

fn index() -> String {
    let newer = IndexEntry::of(&run());
    let older = IndexEntry {
        id: RunId::new("20261001T000000Z-3f2a9c01b7de").unwrap(),
        started_unix_seconds: 1_790_812_800,
        machine: "Example <b>GPU</b>".into(),
        headline: None,
        synthetic: false,
        ..newer.clone()
    };
    render_index(&[older, newer])
}

/// Every page worth checking: with and without a price, a ledger, a measurement.
fn pages() -> Vec<String> {
    let (run, ledger, empty) = (run(), ledger(), LedgerView::default());
    let mut failed = run.clone();
    for record in &mut failed.cases {
        let failure = Failure { stage: Stage::Load, reason: "no such file".into() };
        record.outcome = Outcome::Failed(failure, Measurement::default());
    }
    vec![
        page(&run, &ledger),
        RunPage { run: &run, ledger: &empty, price: None }.render(),
        page(&failed, &empty),
        page(&Run { cases: vec![], ..run.clone() }, &ledger),
        index(),
        render_index(&[]),
    ]
}

/// The page without its style sheet, which would drown the structure.
fn without_style(html: &str) -> String {
    let (before, rest) = html.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    let (start, rest) = before.split_once("sha256-").unwrap();
    let (_, end) = rest.split_once('\'').or_else(|| rest.split_once("&#39;")).unwrap();
    format!("{start}sha256-[hash] {end}<style>[style]</style>{after}")
}

#[test]
fn the_page_of_the_scripted_run() {
    insta::assert_snapshot!(without_style(&page(&run(), &ledger())));
}

#[test]
fn the_list_of_runs() {
    insta::assert_snapshot!(without_style(&index()));
}

#[test]
fn nothing_runs_and_nothing_loads() {
    for html in pages() {
        for banned in
            ["<script", " style=", " src=", "@import", "url(", "<iframe", "<img", "<object", "javascript:"]
        {
            assert!(!html.contains(banned), "{banned}");
        }
        for (place, _) in html.match_indices("http") {
            let before = &html[..place];
            let allowed =
                before.ends_with("<a href=\"") || before.ends_with("<meta ") || before.ends_with("[href^=");
            assert!(allowed, "…{}", &html[place.saturating_sub(60)..(place + 40).min(html.len())]);
        }
    }
}

#[test]
fn the_policy_names_the_hash_of_the_one_style_sheet() {
    for html in pages() {
        let css = html.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
        assert_eq!(html.matches("<style>").count(), 1);
        let shown = html.replace("&#39;", "'");
        assert!(shown.contains(&super::csp::policy(css)), "the hash does not fit the style sheet");
    }
}

#[test]
fn every_picture_says_what_it_shows_or_is_decoration() {
    for html in pages() {
        let tag = "20261121T034000Z-3f2a9c01b7de";
        for picture in html.split("<svg").skip(1) {
            let picture = picture.split_once("</svg>").unwrap().0;
            let head = picture.split_once('>').unwrap().0;
            if !head.contains("aria-hidden=\"true\"") {
                assert!(
                    head.contains("role=\"img\"")
                        && picture.contains("<title ")
                        && picture.contains("<desc ")
                );
                assert!(picture.contains(tag), "no run id in the picture");
            }
        }
    }
}

#[test]
fn ids_are_unique_and_links_inside_the_page_arrive() {
    for html in pages() {
        let ids: Vec<&str> =
            html.split(" id=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0).collect();
        let mut unique = ids.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), ids.len());
        for target in html.split("href=\"#").skip(1).map(|rest| rest.split_once('"').unwrap().0) {
            assert!(ids.contains(&target), "#{target} leads nowhere");
        }
        for names in html.split("labelledby=\"").skip(1).map(|rest| rest.split_once('"').unwrap().0) {
            assert!(names.split(' ').all(|name| ids.contains(&name)), "{names}");
        }
    }
}

#[test]
fn one_first_heading_and_no_level_left_out() {
    for html in pages() {
        assert_eq!(html.matches("<h1").count(), 1);
        let levels = html
            .match_indices("<h")
            .filter_map(|(place, _)| html[place + 2..].chars().next().and_then(|c| c.to_digit(10)));
        let mut last = 0;
        for level in levels {
            assert!(level <= last + 1, "h{level} follows h{last}");
            last = level;
        }
    }
}

#[test]
fn hostile_text_stays_text() {
    let hostile = "<img src=x onerror=alert(1)>\"'</title></style><script>alert(2)</script>";
    let mut run = run();
    run.machine.cpu = hostile.into();
    run.provenance.command = hostile.into();
    run.environment.os = Some(hostile.into());
    run.meters_missing[0].1.reason = hostile.into();
    for record in &mut run.cases {
        record.case.model.name = hostile.into();
        record.case.workload.title = hostile.into();
        record.engine.id = hostile.into();
        if let Energy::Missing(missing) = &mut record.energy {
            missing.reason = hostile.into();
        }
        if let Outcome::Failed(failure, _) = &mut record.outcome {
            failure.reason = hostile.into();
        }
    }
    let mut ledger = ledger();
    for claim in &mut ledger.claims {
        for text in
            [&mut claim.id, &mut claim.quote, &mut claim.language, &mut claim.evidence, &mut claim.steps]
        {
            text.push_str(hostile);
        }
        claim.sources[0].title = hostile.into();
        claim.sources[0].url = Some(format!("https://example.org/\"{hostile}"));
    }
    ledger.points[0].label = hostile.into();
    ledger.points[1].claim_id = Some(hostile.into());
    let shown = [page(&run, &ledger), render_index(&[IndexEntry::of(&run)])];
    for html in shown {
        assert!(!html.contains("<img") && !html.contains("<script") && !html.contains("onerror=alert(1)>\""));
        assert_eq!(html.matches("</style>").count(), 1);
        // The page's own title is the only one outside a picture.
        assert_eq!(html.matches("<title>").count(), 1);
        assert_eq!(html.matches("<title").count(), html.matches("</title>").count());
    }
}

#[test]
fn addresses_that_are_not_of_the_web_are_no_links() {
    let mut ledger = ledger();
    ledger.claims[0].sources[0].url = Some("javascript:alert(1)".into());
    assert!(!page(&run(), &ledger).contains("javascript:"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    assert_eq!(page(&run(), &ledger()), page(&run(), &ledger()));
    assert_eq!(index(), index());
}

#[test]
fn every_estimate_has_its_interval_or_the_reason() {
    let html = page(&run(), &ledger());
    // Every row of the tables of figures: its third cell is a range or a reason.
    let rows: Vec<&str> =
        html.split("data-l=\"Interval\">").skip(1).map(|r| r.split_once('<').unwrap().0).collect();
    assert!(rows.len() >= 18, "{}", rows.len());
    for cell in rows {
        assert!(cell.contains("\u{a0}– ") || cell.starts_with("no interval: ") || cell == "none", "{cell}");
    }
    let notes: Vec<&str> =
        html.split("<dd class=\"s\">").skip(1).map(|rest| rest.split_once('<').unwrap().0).collect();
    assert_eq!(notes.len(), 4);
    assert!(notes.iter().all(|note| note.contains("interval") || note.contains("range")), "{notes:?}");
}

#[test]
fn without_a_price_the_page_says_how_to_give_one() {
    let html = RunPage { run: &run(), ledger: &ledger(), price: None }.render();
    for word in ["--rent", "--purchase", "--life-years", "my-prices.toml", "Per 1\u{a0}$/h"] {
        assert!(html.contains(word), "{word}");
    }
    assert!(!page(&run(), &ledger()).contains("my-prices.toml"));
}

#[test]
fn an_unusual_run_is_announced_on_top() {
    let mut run = run();
    assert!(page(&run, &ledger()).contains("1 of 3 cases were not measured as asked"));
    run.cases.truncate(1);
    run.cases[0].flags.clear();
    run.cases[0].observed = None;
    assert!(!page(&run, &ledger()).contains("class=\"notice\""));
    run.provenance.profile = "debug".into();
    assert!(page(&run, &ledger()).contains("Debug build"));
}

#[test]
fn the_newest_run_comes_first() {
    let html = index();
    assert!(html.find("21 November 2026").unwrap() < html.find("1 October 2026").unwrap());
    assert!(html.contains("nothing measured") && !html.contains("<b>GPU"));
}

/// Writes the sample pages for a look: `CLAIMBENCH_SAMPLE=folder cargo test --lib report -- --ignored`.
#[test]
#[ignore = "writes files"]
#[expect(clippy::disallowed_methods, reason = "a person asked for the files")]
fn write_the_sample_pages() {
    let folder = std::path::PathBuf::from(
        std::env::var("CLAIMBENCH_SAMPLE").expect("CLAIMBENCH_SAMPLE names a folder"),
    );
    let (run, ledger) = (run(), ledger());
    std::fs::write(folder.join("price.html"), page(&run, &ledger)).unwrap();
    std::fs::write(folder.join("run.html"), RunPage { run: &run, ledger: &ledger, price: None }.render())
        .unwrap();
    std::fs::write(folder.join("index.html"), index()).unwrap();
    let one = Run { cases: run.cases[..1].to_vec(), ..run };
    std::fs::write(folder.join("one.html"), RunPage { run: &one, ledger: &ledger, price: None }.render())
        .unwrap();
}

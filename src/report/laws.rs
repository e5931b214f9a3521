//! What holds for every page, whatever the data.

use std::sync::LazyLock;

use super::claims_page::ClaimsPage;
use super::index_page::{IndexEntry, render_index};
use super::ledger_view::{AmountView, LedgerView, StepView};
use super::page::RunPage;
use super::sample_ledger::ledger;
use super::sample_run::{price, run};
use crate::cost::HourlyPrice;
use crate::hardware::Window;
use crate::language::Language::{self, English, French};
use crate::measurement::{
    Energy, Failure, Flag, Gate, GateFault, Measurement, NotGated, Outcome, Run, RunId, Skip, Stage,
};
use crate::units::{Bytes, Seconds};

pub(super) fn page(
    run: &Run,
    ledger: &LedgerView,
    price: Option<&HourlyPrice>,
    language: Language,
) -> String {
    RunPage { run, ledger, price, language }.render()
}

/// The page of the sample run at the sample price, in English.
fn english(run: &Run) -> String {
    page(run, &ledger(English), Some(&price()), English)
}

fn claims(language: Language) -> String {
    ClaimsPage { run: &run(), ledger: &ledger(language), language }.render()
}

fn index(language: Language) -> String {
    let newer = IndexEntry::of(&run());
    let mut older = IndexEntry {
        id: RunId::new("20261001T000000Z-3f2a9c01b7de").unwrap(),
        started_unix_seconds: 1_790_812_800,
        headline: None,
        synthetic: false,
        ..newer.clone()
    };
    older.machine.cpu = "Example <b>CPU</b>".into();
    let unchecked = IndexEntry {
        id: RunId::new("20261102T000000Z-3f2a9c01b7de").unwrap(),
        started_unix_seconds: 1_793_577_600,
        is_checked: false,
        ..newer.clone()
    };
    render_index(&[older, newer, unchecked], language)
}

/// Every page worth checking: with and without a price, a ledger, a measurement, in each language. Made once, because
/// resampling takes its time in a build without optimisation.
pub(super) fn pages_in(language: Language) -> &'static [String] {
    static PAGES: LazyLock<[Vec<String>; 2]> = LazyLock::new(|| Language::ALL.map(make_pages));
    &PAGES[usize::from(language == French)]
}

/// The run as method 1 would have measured it, without a check.
fn before_gates(mut run: Run) -> Run {
    run.provenance.method_version = 1;
    (run.ceilings, run.process_starts_asked) = (None, 1);
    run.cases.truncate(3);
    for record in &mut run.cases {
        if let Some(figures) = &mut record.figures {
            (figures.noise, figures.inter_token_p99) = (None, None);
        }
        if let Outcome::Measured(measurement) | Outcome::Failed(_, measurement) = &mut record.outcome {
            measurement.gate = None;
            for repetition in &mut measurement.repetitions {
                (repetition.process_start, repetition.window) = (0, Window::default());
            }
        }
        record.flags.retain(|flag| *flag != Flag::NotGated);
    }
    run
}

fn make_pages(language: Language) -> Vec<String> {
    let (run, ledger, empty, price) = (run(), ledger(language), LedgerView::default(), price());
    let mut failed = run.clone();
    for record in &mut failed.cases {
        let failure = Failure { stage: Stage::Load, reason: "no such file".into() };
        record.outcome = Outcome::Failed(failure, Measurement::default());
        record.figures = None;
    }
    let gigabytes = |count: u64| Bytes::new(count * 1_000_000_000);
    failed.cases[1].outcome = Outcome::Skipped(Skip::Memory { needed: gigabytes(9), free: gigabytes(2) });
    let [needed, left] = [400.0, 20.0].map(|seconds| Seconds::new(seconds).unwrap());
    failed.cases[2].outcome = Outcome::Skipped(Skip::Budget { needed, left });
    let not_finite = Measurement { gate: Some(Gate::Failed(GateFault::NotFinite)), ..Measurement::default() };
    let failure = Failure { stage: Stage::Gate, reason: GateFault::NotFinite.reason() };
    failed.cases[3].outcome = Outcome::Failed(failure, not_finite);
    vec![
        page(&run, &ledger, Some(&price), language),
        page(&before_gates(run.clone()), &empty, None, language),
        page(&failed, &empty, Some(&price), language),
        page(&Run { cases: vec![], ..run.clone() }, &ledger, None, language),
        claims(language),
        ClaimsPage { run: &run, ledger: &empty, language }.render(),
        index(language),
        render_index(&[], language),
        page(&not_to_be_trusted(run), &empty, None, language),
    ]
}

fn pages() -> impl Iterator<Item = &'static String> {
    Language::ALL.into_iter().flat_map(pages_in)
}

/// The run as a build without optimisation would have measured it, on a machine that was disturbed.
pub(super) fn not_to_be_trusted(mut run: Run) -> Run {
    run.provenance.profile = "debug".into();
    if let Some(ceilings) = &mut run.ceilings {
        ceilings.profile = "debug".into();
    }
    run.cases[0].flags.extend([Flag::DebugBuild, Flag::UntrustworthyInterval]);
    run
}

/// The page without its style sheet, which would drown the structure.
fn without_style(html: &str) -> String {
    let (before, rest) = html.split_once("<style>").unwrap();
    let (_, after) = rest.split_once("</style>").unwrap();
    let (start, rest) = before.split_once("sha256-").unwrap();
    let (_, end) = rest.split_once('\'').or_else(|| rest.split_once("&#39;")).unwrap();
    format!("{start}sha256-[hash] {end}<style>[style]</style>{after}")
}

fn snapshot(name: &str, language: Language, html: &str) {
    insta::assert_snapshot!(format!("{name}_{}", language.id()), without_style(html));
}

#[test]
fn the_pages_of_the_scripted_run() {
    for language in Language::ALL {
        snapshot("run", language, &page(&run(), &ledger(language), Some(&price()), language));
    }
}

#[test]
fn the_pages_of_the_claims() {
    for language in Language::ALL {
        snapshot("claims", language, &claims(language));
    }
}

#[test]
fn the_lists_of_runs() {
    for language in Language::ALL {
        snapshot("list", language, &index(language));
    }
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
    let mut ledger = ledger(English);
    for claim in &mut ledger.claims {
        for text in [&mut claim.quote, &mut claim.evidence, &mut claim.counts, &mut claim.quoted_in.title] {
            text.push_str(hostile);
        }
        claim.steps.push(StepView { label: Some(hostile.into()), calculation: hostile.into() });
        claim.amount = AmountView::Printed(hostile.into());
        claim.sources[0].document.title = hostile.into();
        claim.quoted_in.publisher = Some(hostile.into());
        claim.sources[0].url = Some(format!("https://example.org/\"{hostile}"));
    }
    for speed in &mut ledger.speeds {
        for text in [&mut speed.statement, &mut speed.weights, &mut speed.bytes_why, &mut speed.card] {
            text.push_str(hostile);
        }
        speed.engine = Some(hostile.into());
        speed.sources[0].document.title = hostile.into();
        speed.card_source.url = Some(format!("https://example.org/\"{hostile}"));
    }
    ledger.points[0].label = hostile.into();
    ledger.points[1].claim_id = Some(hostile.into());
    let shown = [
        page(&run, &ledger, None, French),
        ClaimsPage { run: &run, ledger: &ledger, language: English }.render(),
        render_index(&[IndexEntry::of(&run)], English),
    ];
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
    let mut ledger = ledger(English);
    ledger.claims[0].sources[0].url = Some("javascript:alert(1)".into());
    ledger.speeds[0].sources[0].url = Some("javascript:alert(2)".into());
    ledger.speeds[0].card_source.url = Some("javascript:alert(3)".into());
    let html = ClaimsPage { run: &run(), ledger: &ledger, language: English }.render();
    assert!(!html.contains("javascript:") && html.contains("https://arxiv.org"));
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    for language in Language::ALL {
        assert_eq!(pages_in(language), make_pages(language));
    }
}

#[test]
fn every_estimate_has_its_interval_or_the_reason() {
    let html = english(&run());
    // Every row of the tables of figures: its third cell is a range or a reason.
    let rows: Vec<&str> =
        html.split("data-l=\"Interval\">").skip(1).map(|r| r.split_once("</td>").unwrap().0).collect();
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
    let html = page(&run(), &ledger(English), None, English);
    for word in ["--rent", "--purchase", "--life-years", "my-prices.toml", "Per 1\u{a0}$/h"] {
        assert!(html.contains(word), "{word}");
    }
    assert!(!english(&run()).contains("my-prices.toml"));
}

#[test]
fn an_unusual_run_is_announced_on_top() {
    let mut run = run();
    assert!(english(&run).contains("2 of 5 cases were not measured as asked"));
    run.cases.truncate(1);
    run.cases[0].flags.clear();
    run.cases[0].observed = None;
    assert!(!english(&run).contains("class=\"notice\""));
    run.provenance.profile = "debug".into();
    assert!(english(&run).contains("Debug build"));
}

#[test]
fn every_case_says_how_it_was_checked_or_why_not() {
    let with = |gate: Option<Gate>| {
        let mut run = run();
        let Outcome::Measured(measurement) = &mut run.cases[0].outcome else { panic!("it was measured") };
        measurement.gate = gate;
        run
    };
    let [needed, left] = [400.0, 20.0].map(|seconds| Seconds::new(seconds).unwrap());
    for (gate, said_in_english, said_in_french) in [
        (
            run().cases[0].outcome.measurement().gate,
            "Checked: on 32 positions its logits are within 1.2\u{a0}% of the plain computation&#39;s (limit 9.1\u{a0}%)",
            "Vérifié\u{a0}: sur 32\u{a0}positions, ses logits s’écartent de 1,2\u{a0}% de ceux du calcul de référence",
        ),
        (
            Some(Gate::NotComputed(NotGated::Budget { needed, left })),
            "Not checked: the plain computation needs about 400\u{a0}s, and 20.0\u{a0}s of the time budget were left.",
            "le calcul de référence demande environ 400\u{a0}s, et il restait 20,0\u{a0}s du temps accordé.",
        ),
        (
            Some(Gate::NotComputed(NotGated::Engine)),
            "Not checked: this engine has no logits to show.",
            "Non vérifié\u{a0}: ce moteur n’a pas de logits à montrer.",
        ),
        (
            None,
            "Not checked: measured before there was such a check.",
            "Non vérifié\u{a0}: mesuré avant que cette vérification n’existe.",
        ),
    ] {
        let run = with(gate);
        assert!(english(&run).contains(said_in_english), "{said_in_english}");
        assert!(page(&run, &ledger(French), None, French).contains(said_in_french), "{said_in_french}");
    }
}

#[test]
fn a_run_from_before_there_were_gates_does_not_tell_of_them() {
    assert!(english(&run()).contains("<dt>Check</dt>"));
    assert!(!english(&before_gates(run())).contains("<dt>Check</dt>"));
}

#[test]
fn a_resumed_run_says_when() {
    let resumed = Run { resumed_unix_seconds: vec![1_795_236_000], ..run() };
    assert!(
        english(&resumed)
            .contains("<dt>Further process starts</dt><dd>21\u{a0}November 2026, 04:40\u{a0}UTC</dd>")
    );
    assert!(!english(&run()).contains("Further process starts"));
}

#[test]
fn the_newest_run_comes_first() {
    let html = index(English);
    assert!(html.find("21\u{a0}November 2026").unwrap() < html.find("1\u{a0}October 2026").unwrap());
    assert!(html.contains("nothing measured") && !html.contains("<b>CPU"));
}

/// Writes the sample pages for a look: `CLAIMBENCH_SAMPLE=folder cargo test --lib report -- --ignored`.
#[test]
#[ignore = "writes files"]
#[expect(clippy::disallowed_methods, reason = "a person asked for the files")]
fn write_the_sample_pages() {
    let folder = std::path::PathBuf::from(
        std::env::var("CLAIMBENCH_SAMPLE").expect("CLAIMBENCH_SAMPLE names a folder"),
    );
    let names = ["price", "run", "failed", "empty", "claims", "no-claims", "index", "no-runs", "distrust"];
    for language in Language::ALL {
        for (name, html) in names.iter().zip(pages_in(language)) {
            std::fs::write(folder.join(format!("{name}.{}.html", language.id())), html).unwrap();
        }
    }
}

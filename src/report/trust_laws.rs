//! What a page must say of its own figures: rules that can be found, doubts before the figure, unknown and never zero.

use super::index_page::{IndexEntry, render_index};
use super::laws::{not_to_be_trusted, page, pages_in};
use super::ledger_view::LedgerView;
use super::sample_run::run;
use crate::hardware::Window;
use crate::language::Language::{self, English, French};
use crate::measurement::{Figures, Flag, Outcome, Role, Run};
use crate::units::Seconds;

fn shown(run: &Run, language: Language) -> String {
    page(run, &LedgerView::default(), None, language)
        .replace(['\u{a0}', '\u{202f}'], " ")
        .replace("&#39;", "'")
}

/// The run with the samples of its first case changed, and the figures that follow from them.
fn with_samples(change: impl Fn(&mut crate::measurement::Measurement)) -> Run {
    let mut run = run();
    let Outcome::Measured(measurement) = &mut run.cases[0].outcome else { panic!("it was measured") };
    change(measurement);
    run.cases[0].figures = Figures::new(measurement);
    run
}

/// The cells of the row with this header, in the first case that has one.
fn row(html: &str, header: &str) -> Vec<String> {
    let start = html.find(&format!(">{header}</th>")).unwrap_or_else(|| panic!("no row {header}"));
    let row = html[start..].split_once("</tr>").unwrap().0;
    row.split("<td").skip(1).map(|cell| cell.split_once('>').unwrap().1.replace("</td>", "")).collect()
}

/// The fragment that a heading of the document is reached by.
fn fragment(heading: &str) -> String {
    let kept = heading.trim_start_matches('#').trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || " -".contains(*c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn every_rule_a_page_names_is_a_section_of_the_methodology() {
    let document = include_str!("../../docs/METHODOLOGY.md");
    let sections: Vec<String> = document.lines().filter(|line| line.starts_with('#')).map(fragment).collect();
    let mut named = Vec::new();
    for html in Language::ALL.into_iter().flat_map(pages_in) {
        named.extend(html.split("docs/METHODOLOGY.md#").skip(1).map(|rest| rest.split_once('<').unwrap().0));
    }
    assert!(named.iter().all(|name| sections.iter().any(|section| section == name)), "{named:?}");
    for needed in ["statistics", "windows", "rooflines"] {
        assert!(named.contains(&needed), "{needed}");
    }
}

#[test]
fn every_interval_leads_to_its_rule() {
    for language in Language::ALL {
        let html = &pages_in(language)[0];
        let method = if language == English { "Method" } else { "Méthode" };
        let mut linked = 0;
        for cell in
            html.split(&format!("data-l=\"{method}\">")).skip(1).map(|r| r.split_once("</td>").unwrap().0)
        {
            let is_none = ["none", "néant"].contains(&cell);
            assert!(is_none || cell.starts_with("<a href=\"#statistics\">"), "{cell}");
            linked += usize::from(!is_none);
        }
        assert!(linked >= 11, "{linked}");
        let (_, fact) = html.split_once("<div id=\"statistics\">").unwrap();
        assert!(fact.split_once("</div>").unwrap().0.contains("<code>docs/METHODOLOGY.md#statistics</code>"));
    }
}

#[test]
fn a_figure_that_deserves_no_trust_says_so_before_it_is_shown() {
    let html = shown(&not_to_be_trusted(run()), English);
    let place = |text: &str| html.find(text).unwrap_or_else(|| panic!("no {text}"));
    assert!(place("Do not use this figure:") < place("machine‑hours"), "the headline holds no figure either");
    assert!(place("Built without optimisation") < place("<p class=\"lede\">"));
    assert!(place("<code>untrustworthy-interval</code>") < place("<dl class=\"kpi\">"));
    assert!(shown(&not_to_be_trusted(run()), French).contains("N’utilisez pas ce chiffre :"));
}

#[test]
fn a_warning_a_doubtful_energy_and_another_case_leave_the_headline_alone() {
    let mut run = run();
    run.cases[0].flags = vec![Flag::EnergyContradicted, Flag::WideInterval, Flag::NotGated];
    run.cases[1].flags.push(Flag::Implausible);
    assert!(!shown(&run, English).contains("Do not use this figure:"));
    assert!(!shown(&self::run(), English).contains("Do not use this figure:"));
}

#[test]
fn noise_has_names_starts_and_what_could_have_been_seen() {
    let html = shown(&run(), English);
    assert_eq!(row(&html, "Process starts")[0], "3");
    assert!(row(&html, "Spread between starts")[0].ends_with(" %"));
    assert_eq!(row(&html, "Outliers of TPOT")[0], "1 (high, severe)");
    assert!(row(&html, "Spread of TPOT: scaled median absolute deviation")[0].ends_with(" % of the median"));
    assert!(!row(&html, "Smallest slowdown a comparison could have seen")[0].contains("at least"));
    assert!(!html.contains('±'), "a bare deviation");
}

#[test]
fn one_start_is_unknown_and_a_lower_bound_and_few_repetitions_have_a_reason() {
    let one = with_samples(|measurement| {
        for repetition in &mut measurement.repetitions {
            repetition.process_start = 0;
        }
    });
    let html = shown(&one, English);
    assert_eq!(row(&html, "Process starts")[0], "1, of 3 asked for");
    assert_eq!(row(&html, "Spread between starts")[0], "one start: unknown");
    assert!(row(&html, "Smallest slowdown a comparison could have seen")[0].starts_with("at least "));
    let few = with_samples(|measurement| measurement.repetitions.truncate(4));
    let html = shown(&few, English);
    assert!(
        row(&html, "Smallest slowdown a comparison could have seen")[0].starts_with("unknown: it takes six")
    );
}

#[test]
fn a_file_of_an_older_method_states_no_noise() {
    let mut old = run();
    old.cases.truncate(1);
    old.cases[0].figures.as_mut().unwrap().noise = None;
    assert!(shown(&old, English).contains("Noise: not stated by this method."));
    assert!(shown(&old, French).contains("Bruit : non indiqué par cette méthode."));
}

#[test]
fn what_one_repetition_does_not_tell_is_unknown_and_never_zero() {
    let html = shown(&run(), English);
    assert_eq!(row(&html, "Held back by a quota")[0], "unknown: not told for 1 of 15 repetitions");
    assert_eq!(row(&html, "Slowed by heat")[0], "unknown: the system does not tell");
    assert_eq!(row(&html, "Suspended")[0], "0 s");
    assert!(row(&html, "Steal")[0].contains("300 ms, 0.1"), "{:?}", row(&html, "Steal"));
    let silent = with_samples(|measurement| {
        for repetition in &mut measurement.repetitions {
            repetition.window = Window::default();
        }
    });
    let html = shown(&silent, English);
    let names = [
        "Steal",
        "Other programs",
        "Swap",
        "Waiting for memory",
        "Held back by a quota",
        "Suspended",
        "On battery",
    ];
    for name in names {
        assert_eq!(row(&html, name)[0], "unknown: the system does not tell", "{name}");
    }
}

#[test]
fn what_the_warm_up_saw_is_in_no_sum_and_one_repetition_on_battery_is_enough() {
    let run = with_samples(|measurement| {
        for repetition in &mut measurement.repetitions {
            if repetition.role == Role::WarmUp {
                repetition.window.suspended = Seconds::new(60.0).ok();
            }
        }
        measurement.repetitions[1].window.on_battery = Some(true);
        measurement.repetitions[2].window.on_battery = None;
    });
    let html = shown(&run, English);
    assert_eq!(row(&html, "Suspended")[0], "0 s");
    assert_eq!(row(&html, "On battery")[0], "yes, in at least 1 of 15 repetitions");
}

#[test]
fn a_roofline_has_its_ceiling_or_its_reason_in_both_languages() {
    let html = shown(&run(), English);
    let ceiling =
        "of 40.0 GB/s measured read bandwidth (sum of whole numbers, two streams per thread, 2 threads)";
    assert!(html.contains(ceiling));
    assert!(html.contains("of 400 GFLOP/s measured in Q4_K (the engine's own product with stored weights)"));
    assert!(html.contains("A decode step moves at least 989 MB: 980 MB of weights"));
    let without = Run { ceilings: None, ..run() };
    assert!(shown(&without, English).contains("unknown: the rates of the device were not measured"));
    assert!(shown(&without, French).contains("inconnue : les plafonds de l’appareil n’ont pas été mesurés"));
    let debug = shown(&not_to_be_trusted(run()), French);
    assert!(debug.contains("mesurés par un programme compilé sans optimisation"));
}

#[test]
fn charts_show_starts_and_outliers_in_shape_and_words() {
    let html = shown(&run(), English);
    let chart = html.split_once("aria-labelledby=\"decode-1-t").unwrap().1.split_once("</figure>").unwrap().0;
    assert_eq!(
        (chart.matches("class=\"start\"").count(), chart.matches("<polygon class=\"dot-far\"").count()),
        (2, 1)
    );
    for said in
        ["Diamond: outlier", "Upright line", "Outliers: ", "measured, outlier (low, severe)", ">start 3<"]
    {
        assert!(chart.contains(said), "{said}");
    }
    let chart = html.split_once("aria-labelledby=\"decode-2-t").unwrap().1.split_once("</figure>").unwrap().0;
    assert!(!chart.contains("Diamond") && !chart.contains("Upright line"));
}

#[test]
fn the_list_of_runs_marks_a_headline_that_deserves_no_trust() {
    let list = |run: &Run| render_index(&[IndexEntry::of(run)], English);
    assert!(list(&not_to_be_trusted(run())).contains("do not use"));
    assert!(!list(&run()).contains("do not use"));
    let french = render_index(&[IndexEntry::of(&not_to_be_trusted(run()))], French);
    assert!(french.contains("à ne pas utiliser"));
}

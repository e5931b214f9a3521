//! What holds for the words of a model on a page: quoted, escaped, split, and left out with a reason.

use super::language_laws::{check_no_unmarked_english, check_spaces, own_words};
use super::ledger_view::LedgerView;
use super::page::RunPage;
use super::sample_run::run;
use crate::language::Language::{self, English, French};
use crate::measurement::{Answer, Measurement, NoAnswer, Outcome, Run, Unanswered};
use crate::units::{Bytes, Seconds, Tokens};

fn page(run: &Run, language: Language) -> String {
    RunPage { run, ledger: &LedgerView::default(), price: None, language }.render()
}

/// The sample run, with the case that has real weights changed.
fn changed(change: impl Fn(&mut Measurement)) -> Run {
    let mut run = run();
    let Outcome::Measured(measurement) = &mut run.cases[1].outcome else { panic!("it was measured") };
    change(measurement);
    run
}

#[test]
fn an_answer_stands_beside_its_thinking_in_its_own_language() {
    for (language, told) in [
        (
            English,
            "It thought for 160 tokens and answered in 12. It ended by itself. First token after 250\u{a0}ms, first token of \
                   the answer after 12.2\u{a0}s, last after 13.5\u{a0}s.",
        ),
        (
            French,
            "Il a réfléchi pendant 160\u{a0}tokens et répondu en 12. Il s’est arrêté de lui-même. Premier token après \
                  250\u{a0}ms, premier token de la réponse après 12,2\u{a0}s, dernier après 13,5\u{a0}s.",
        ),
    ] {
        let html = page(&run(), language);
        assert!(html.contains(told), "{told}");
        for quoted in [
            "<blockquote class=\"asked\" lang=\"en\">Why is the sky blue?</blockquote>",
            "<blockquote lang=\"en\">Blue light is scattered more.\n\nSo the answer is scattering.</blockquote></details>",
            "<blockquote lang=\"en\">Because air scatters blue light more than red.</blockquote>",
            "<blockquote lang=\"fr\">L&#39;air diffuse le bleu : c&#39;est tout !</blockquote>",
        ] {
            assert!(html.contains(quoted), "{quoted}");
        }
    }
}

#[test]
fn what_a_model_writes_stays_text() {
    let hostile =
        "</blockquote></details><script>alert(1)</script><img src=x onerror=alert(2)>\"' onclick=\"";
    let run = changed(|measurement| {
        for answer in &mut measurement.answers {
            for text in [&mut answer.question, &mut answer.text].into_iter().chain(&mut answer.thinking) {
                text.push_str(hostile);
            }
        }
        measurement.unanswered = Some(Unanswered::text(hostile));
    });
    for language in Language::ALL {
        let html = page(&run, language);
        assert!(html.contains("&#60;script&#62;"), "it is shown");
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("onclick=\""));
        assert_eq!(html.matches("<blockquote").count(), html.matches("</blockquote>").count());
    }
}

#[test]
fn why_nothing_was_asked_is_told_in_both_languages() {
    let seconds = |value| Seconds::new(value).unwrap();
    let bytes = |gb: u64| Bytes::new(gb * 1_000_000_000);
    for (why, english, french) in [
        (Unanswered::NotAsked, "the run was to do without", "la mesure devait s’en passer"),
        (Unanswered::OtherCase, "another case of the same weights", "un autre cas des mêmes poids"),
        (
            Unanswered::Budget { needed: seconds(70.0), left: seconds(2.0) },
            "may take 70.0\u{a0}s, and 2.00\u{a0}s of the time budget were left",
            "peut demander 70,0\u{a0}s, et il restait 2,00\u{a0}s",
        ),
        (
            Unanswered::Memory { needed: bytes(9), free: bytes(2) },
            "takes 9.00\u{a0}GB of memory, and 2.00\u{a0}GB were free",
            "demande 9,00\u{a0}Go de mémoire, et 2,00\u{a0}Go étaient libres",
        ),
        (Unanswered::engine("no luck"), "no luck", "<span lang=\"en\">no luck</span>"),
    ] {
        let run = changed(|measurement| {
            measurement.answers.clear();
            measurement.unanswered = Some(why.clone());
        });
        let html = page(&run, English);
        assert!(html.contains("It was not asked anything.") && html.contains(english), "{english}");
        let html = page(&run, French);
        assert!(html.contains("Aucune question ne lui a été posée.") && html.contains(french), "{french}");
        for text in own_words(&html, French) {
            check_spaces(&text);
            check_no_unmarked_english(&text);
        }
    }
}

#[test]
fn an_output_without_an_answer_says_why() {
    let empty = |answer: &mut Answer| {
        answer.text.clear();
        answer.text_tokens = Tokens::new(1);
        answer.first_answer_token = Err(NoAnswer::Empty);
    };
    let run = changed(|measurement| empty(&mut measurement.answers[1]));
    let html = page(&run, English);
    assert!(html.contains("No answer: nothing visible came.") && html.contains("It answered in 1 token."));
    assert!(html.contains("No answer: the output ended before its thinking did."));
    assert!(page(&run, French).contains("Pas de réponse\u{a0}: rien de visible n’est venu."));
}

#[test]
fn random_weights_show_no_words_and_old_runs_say_nothing_of_them() {
    let html = page(&run(), English);
    assert_eq!(html.matches("Nothing that it wrote is shown: its weights are random").count(), 2);
    let older = changed(|measurement| {
        measurement.answers.clear();
        measurement.unanswered = None;
    });
    assert_eq!(page(&older, English).matches("What it wrote").count(), 2);
}

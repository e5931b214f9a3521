//! Lets models with real weights answer the prompts of `prompts.toml`, after everything that is measured.

use std::path::Path;

use super::{OpenGroup, Row, Session};
use crate::cli::Terminal;
use crate::cli::summary::answer_line;
use crate::measurement::{CaseRecord, Measurement, Outcome, Unanswered};
use crate::runner::{CaseRun, answer_limit};
use crate::text::{ChatModel, Prompt};
use crate::units::{Bytes, Seconds, count_as_f64};
use crate::workload::Case;

/// More tokens than any prompt here has with its template.
const LONGEST_PROMPT: u64 = 1_024;

impl Session {
    /// Asks the loaded model, for each case of the group, what it was not asked yet, unless its weights are random. With `until` (time since this process
    /// took up the run) a prompt is left out if an answer as long as its limit is not expected to end before. What goes wrong
    /// is kept as the reason, and costs no sample.
    pub fn answer(
        &mut self,
        group: &mut OpenGroup,
        until: Option<Seconds>,
        terminal: &mut Terminal,
    ) -> anyhow::Result<()> {
        let Some(path) = group.text.take() else { return Ok(()) };
        let is_open = |case: &CaseRun| !case.has_ended() && case.measured() > 0;
        for place in 0..group.cases.len() {
            if is_open(&group.cases[place]) {
                self.answer_one(group, place, &path, until, terminal)?;
            }
        }
        Ok(())
    }

    fn answer_one(
        &mut self,
        group: &mut OpenGroup,
        place: usize,
        path: &Path,
        until: Option<Seconds>,
        terminal: &mut Terminal,
    ) -> anyhow::Result<()> {
        let case = group.cases[place].case().clone();
        if let Some(why) = self.not_to_ask(&group.row(place)) {
            return self.step(group, place, |case, _| case.leave_unanswered(Some(why)));
        }
        let chat = match ChatModel::open(path, case.model.shape.vocab) {
            Ok(chat) => chat,
            Err(error) => {
                let why = Unanswered::text(&without_place(&error.to_string(), path));
                terminal.note(&format!("  no answers: {}", why.reason()));
                return self.step(group, place, |case, _| case.leave_unanswered(Some(why)));
            }
        };
        let why = self.lacks_memory_for(&case, &chat);
        self.step(group, place, |case, _| case.leave_unanswered(why))?;
        self.step(group, place, CaseRun::warm_up)?;
        for prompt in self.prompts.prompts().to_vec() {
            let case = &group.cases[place];
            if case.has_ended() || case.measurement().unanswered.is_some() {
                break;
            }
            self.ask((group, place), &chat, &prompt, until, terminal)?;
        }
        if let Some(why) = &group.cases[place].measurement().unanswered {
            terminal.note(&format!("  no further answers: {}", why.reason()));
        }
        Ok(())
    }

    fn ask(
        &mut self,
        (group, place): (&mut OpenGroup, usize),
        chat: &ChatModel,
        prompt: &Prompt,
        until: Option<Seconds>,
        terminal: &mut Terminal,
    ) -> anyhow::Result<()> {
        let before = group.cases[place].measurement();
        if before.answers.iter().any(|answer| answer.prompt == prompt.id) {
            return Ok(());
        }
        if let Some(until) = until {
            let needed = longest(before, chat)?;
            let left = Seconds::new((until.value() - self.elapsed().value()).max(0.0))?;
            if needed > left {
                let why = Unanswered::Budget { needed, left };
                return self.step(group, place, |case, _| case.leave_unanswered(Some(why)));
            }
        }
        terminal.progress(&format!("{}: answering {}", group.row(place).id(), prompt.id));
        let done = before.answers.len();
        self.step(group, place, |case: &mut CaseRun, bench| case.answer(bench, chat, prompt))?;
        if let Some(answer) = group.cases[place].measurement().answers.get(done) {
            terminal.note(&format!("  {}", answer_line(answer)));
        }
        Ok(())
    }

    /// Why a row with real weights is not asked at all.
    fn not_to_ask(&self, row: &Row) -> Option<Unanswered> {
        if !self.settings.answers {
            return Some(Unanswered::NotAsked);
        }
        let rows = || self.run.cases.iter().filter(|record| record.case.shares_checkpoint(&row.case));
        // Of several engines the first in the run answers, unless nothing came of it.
        let is_other = |record: &&CaseRecord| record.engine.id != row.engine.id();
        let goes_on = |record: &CaseRecord| {
            matches!(record.outcome, Outcome::Measured(_)) || record.outcome.ended_early()
        };
        let is_second = rows().take_while(is_other).any(goes_on);
        let has_answers = |record: &CaseRecord| !record.outcome.measurement().answers.is_empty();
        let is_answered = rows().filter(|record| record.row_id() != row.id()).any(has_answers);
        (is_second || is_answered).then_some(Unanswered::OtherCase)
    }

    fn lacks_memory_for(&self, case: &Case, chat: &ChatModel) -> Option<Unanswered> {
        let positions = LONGEST_PROMPT + answer_limit(chat).count();
        let needed = Bytes::new(positions * case.model.shape.kv_bytes_per_token(4).count());
        let free = self.device.free_memory()?;
        (free < needed).then_some(Unanswered::Memory { needed, free })
    }
}

/// The text with files of a checkpoint named by their last part, however its path was written.
fn without_place(text: &str, path: &Path) -> String {
    let folder = if path.is_dir() { Some(path) } else { path.parent() };
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty());
    let text = match folder {
        Some(folder) => text.replace(&folder.join("").display().to_string(), ""),
        None => text.to_owned(),
    };
    super::without_home(&text)
}

/// How long an answer of as many tokens as it may have should take, by the last repetition: a first token and as many gaps.
fn longest(measurement: &Measurement, chat: &ChatModel) -> anyhow::Result<Seconds> {
    let Some(last) = measurement.repetitions.last() else { return Ok(Seconds::ZERO) };
    let gaps = count_as_f64(crate::units::index_as_u64(last.gaps.len()).max(1));
    let gap = last.decode().value() / gaps;
    Ok(Seconds::new(last.first_token.value() + gap * answer_limit(chat).as_f64())?)
}

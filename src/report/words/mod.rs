//! Every word of the pages, by section. A language is one `static Words`: a missing translation does not compile.
//!
//! Numbers and names come in through functions, because languages place them differently.

mod answers;
mod claims;
mod conditions;
mod en;
mod engines;
mod fr;
mod gate;
mod measured;
mod noise;
mod numerals;
mod roofline;
mod speeds;

use super::number::Numerals;
use crate::language::Language;
use crate::measurement::{Boundary, EnergyScope, EngineGap, Severity, Stage};
use crate::stats::{IntervalMethod, NoInterval};
use crate::workload::Workload;

use answers::AnswersWords;
use claims::ClaimWords;
use conditions::ConditionWords;
pub(crate) use en::EN;
use engines::EngineWords;
pub(crate) use fr::FR;
use gate::GateWords;
use noise::NoiseWords;
use roofline::RooflineWords;
use speeds::SpeedWords;

/// One language.
#[derive(Debug)]
pub(crate) struct Words {
    /// Which one.
    pub(crate) language: Language,
    /// Its own name for itself.
    pub(crate) name: &'static str,
    /// The same in two letters.
    pub(crate) short_name: &'static str,
    pub(crate) numerals: Numerals,
    pub(crate) page: PageWords,
    pub(crate) notice: NoticeWords,
    pub(crate) verdict: VerdictWords,
    pub(crate) scale: ScaleWords,
    pub(crate) cost: CostWords,
    pub(crate) measured: MeasuredWords,
    pub(crate) engines: EngineWords,
    pub(crate) noise: NoiseWords,
    pub(crate) conditions: ConditionWords,
    pub(crate) roofline: RooflineWords,
    pub(crate) gate: GateWords,
    pub(crate) answers: AnswersWords,
    pub(crate) energy: EnergyWords,
    pub(crate) claims: ClaimWords,
    pub(crate) speeds: SpeedWords,
    pub(crate) limits: LimitWords,
    pub(crate) provenance: ProvenanceWords,
    pub(crate) index: IndexWords,
}

impl Words {
    /// The words of one language.
    pub(crate) const fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &EN,
            Language::French => &FR,
        }
    }

    /// BCP 47 tag of the page.
    pub(crate) const fn lang(&self) -> &'static str {
        self.language.id()
    }
}

/// The frame of every page.
#[derive(Debug)]
pub(crate) struct PageWords {
    pub(crate) brand: &'static str,
    pub(crate) title: fn(date: &str) -> String,
    pub(crate) description: &'static str,
    pub(crate) skip: &'static str,
    pub(crate) nav: &'static str,
    pub(crate) languages: &'static str,
    pub(crate) run_of: fn(date: &str) -> String,
    pub(crate) show_table: &'static str,
    pub(crate) chart_source: fn(run: &str) -> String,
    pub(crate) nav_cost: &'static str,
    pub(crate) nav_measured: &'static str,
    pub(crate) nav_energy: &'static str,
    pub(crate) nav_claims: &'static str,
    pub(crate) nav_data: &'static str,
}

/// The band on top.
#[derive(Debug)]
pub(crate) struct NoticeWords {
    pub(crate) label: &'static str,
    pub(crate) synthetic: &'static str,
    pub(crate) test_shape: &'static str,
    pub(crate) debug_build: &'static str,
    pub(crate) failed: fn(failed: u64, all: u64) -> String,
}

/// The answer.
#[derive(Debug)]
pub(crate) struct VerdictWords {
    pub(crate) debate: fn(low: &str, high: &str) -> String,
    pub(crate) no_debate: fn(hours: &str) -> String,
    pub(crate) nothing_measured: &'static str,
    pub(crate) amount_counts: fn(amount: &str, what: &str) -> String,
    pub(crate) here_before: &'static str,
    pub(crate) here_after: fn(note: &str, batch: &str) -> String,
    pub(crate) dollars_before: fn(price: &str) -> String,
    pub(crate) dollars_after: fn(range: &str) -> String,
    pub(crate) no_price: &'static str,
    pub(crate) key_figures: &'static str,
    pub(crate) output_hours: &'static str,
    pub(crate) decode: &'static str,
    pub(crate) first_token: &'static str,
    pub(crate) energy: &'static str,
    pub(crate) not_measured: &'static str,
    pub(crate) estimated: &'static str,
    pub(crate) metered: &'static str,
    pub(crate) interval: fn(coverage: &str, range: &str) -> String,
    pub(crate) no_interval: fn(reason: &str) -> String,
    pub(crate) no_interval_short: &'static str,
    pub(crate) too_few: fn(NoInterval) -> String,
    pub(crate) batch: fn(u64) -> String,
    pub(crate) distrust: &'static str,
    pub(crate) no_trust: &'static str,
}

/// The claim scale.
#[derive(Debug)]
pub(crate) struct ScaleWords {
    pub(crate) heading: &'static str,
    pub(crate) sub: &'static str,
    pub(crate) quoted: &'static str,
    pub(crate) ours: &'static str,
    pub(crate) unchecked: &'static str,
    pub(crate) range: &'static str,
    pub(crate) abbreviations: &'static str,
    pub(crate) apart: fn(factor: &str) -> String,
    pub(crate) apart_unlike: fn(factor: &str) -> String,
    pub(crate) title: &'static str,
    pub(crate) columns: [&'static str; 3],
    pub(crate) source: &'static str,
}

/// What a million tokens costs.
#[derive(Debug)]
pub(crate) struct CostWords {
    pub(crate) heading: &'static str,
    pub(crate) sub: &'static str,
    pub(crate) per_output: fn(note: &str) -> String,
    pub(crate) formula: &'static str,
    pub(crate) table: &'static str,
    pub(crate) case_and_tokens: &'static str,
    pub(crate) machine_hours: &'static str,
    pub(crate) interval: &'static str,
    pub(crate) at_price: fn(price: &str) -> String,
    pub(crate) at_one_dollar: &'static str,
    pub(crate) cost_range: &'static str,
    pub(crate) price_range_only: fn(range: &str, reason: &str) -> String,
    pub(crate) output: &'static str,
    pub(crate) input: &'static str,
    pub(crate) per_hour: fn(amount: &str) -> String,
    pub(crate) price_heading: &'static str,
    pub(crate) rent: fn(price: &str) -> String,
    pub(crate) own: fn(price: &str, purchase: &str, years: &str) -> String,
    pub(crate) from_user: &'static str,
    pub(crate) from_ledger: fn(ids: &str) -> String,
    pub(crate) as_of: fn(date: &str) -> String,
    pub(crate) contains_rent: &'static str,
    pub(crate) contains_own: &'static str,
    pub(crate) leaves_out: &'static str,
    pub(crate) give_heading: &'static str,
    pub(crate) give_intro: &'static str,
    pub(crate) give_rent: &'static str,
    pub(crate) give_own: &'static str,
    pub(crate) give_file: &'static str,
    pub(crate) batch_heading: &'static str,
    pub(crate) batch: fn(batch: &str) -> String,
}

/// The figures and their samples.
#[derive(Debug)]
pub(crate) struct MeasuredWords {
    pub(crate) heading: &'static str,
    pub(crate) sub: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) workload: fn(&Workload) -> String,
    pub(crate) decode_title: &'static str,
    pub(crate) prefill_title: &'static str,
    pub(crate) higher: &'static str,
    pub(crate) lower: &'static str,
    pub(crate) case_facts: fn(&Workload) -> String,
    pub(crate) repetitions: fn(measured: u64, warm_up: u64) -> String,
    pub(crate) engine: fn(engine: &str, version: &str, device: &str) -> String,
    pub(crate) cpu: fn(threads: u64) -> String,
    pub(crate) decode_samples: &'static str,
    pub(crate) first_samples: &'static str,
    pub(crate) samples_axis: &'static str,
    pub(crate) samples_caption: &'static str,
    pub(crate) samples_desc: fn(median: &str, interval: &str, values: &str) -> String,
    pub(crate) repetition: &'static str,
    pub(crate) role: &'static str,
    pub(crate) warm_up: &'static str,
    pub(crate) entered: &'static str,
    pub(crate) table: fn(case: &str) -> String,
    pub(crate) columns: [&'static str; 6],
    pub(crate) figures: FigureWords,
    pub(crate) method: fn(IntervalMethod) -> &'static str,
    pub(crate) no_memory: &'static str,
    pub(crate) none: &'static str,
    pub(crate) case: &'static str,
    pub(crate) value: &'static str,
    pub(crate) failed_heading: &'static str,
    pub(crate) failed_columns: [&'static str; 4],
    pub(crate) stage: fn(Stage) -> &'static str,
    pub(crate) kept: fn(repetitions: u64) -> String,
    pub(crate) skipped: &'static str,
    pub(crate) skip_engine: fn(EngineGap) -> &'static str,
    pub(crate) skip_memory: fn(needed: &str, free: &str) -> String,
    pub(crate) skip_limit: fn(needed: &str, limit: &str) -> String,
    pub(crate) skip_budget: fn(needed: &str, left: &str) -> String,
    pub(crate) no_percentile: fn(have: u64, need: u64) -> String,
    pub(crate) not_stated: &'static str,
    pub(crate) no_figures: &'static str,
    pub(crate) flags_heading: &'static str,
    pub(crate) severity: fn(Severity) -> &'static str,
}

/// Names of the figures.
#[derive(Debug)]
pub(crate) struct FigureWords {
    pub(crate) prefill: &'static str,
    pub(crate) decode: &'static str,
    pub(crate) first_token: &'static str,
    pub(crate) per_token: &'static str,
    pub(crate) inter_p50: &'static str,
    pub(crate) inter_p95: &'static str,
    pub(crate) inter_p99: &'static str,
    pub(crate) end_to_end: &'static str,
    pub(crate) load: &'static str,
    pub(crate) memory: &'static str,
}

/// Energy.
#[derive(Debug)]
pub(crate) struct EnergyWords {
    pub(crate) heading: &'static str,
    pub(crate) sub: &'static str,
    pub(crate) measured: &'static str,
    pub(crate) measured_columns: [&'static str; 5],
    pub(crate) table: &'static str,
    pub(crate) columns: [&'static str; 6],
    pub(crate) scope: fn(EnergyScope) -> &'static str,
    pub(crate) central: fn(value: &str) -> String,
    pub(crate) missing: &'static str,
    pub(crate) missing_columns: [&'static str; 3],
    pub(crate) meters: &'static str,
    pub(crate) meters_columns: [&'static str; 3],
}

/// What the page cannot tell.
#[derive(Debug)]
pub(crate) struct LimitWords {
    pub(crate) heading: &'static str,
    pub(crate) always: &'static [&'static str],
    pub(crate) synthetic: &'static str,
    pub(crate) energy: &'static str,
    pub(crate) single_start: &'static str,
    pub(crate) not_checked: &'static str,
}

/// The footer.
#[derive(Debug)]
pub(crate) struct ProvenanceWords {
    pub(crate) heading: &'static str,
    pub(crate) run: &'static str,
    pub(crate) resumed: &'static str,
    pub(crate) tool: &'static str,
    pub(crate) tool_text: fn(version: &str, profile: &str) -> String,
    pub(crate) revision: &'static str,
    pub(crate) no_revision: &'static str,
    pub(crate) features: &'static str,
    pub(crate) no_features: &'static str,
    pub(crate) method: &'static str,
    pub(crate) method_text: fn(version: &str) -> String,
    pub(crate) check: &'static str,
    pub(crate) check_text: &'static str,
    pub(crate) model: &'static str,
    pub(crate) weights: &'static str,
    pub(crate) synthetic: fn(seed: &str) -> String,
    pub(crate) hub: fn(repo: &str, commit: &str) -> String,
    pub(crate) local: fn(name: &str) -> String,
    pub(crate) file: &'static str,
    pub(crate) size: &'static str,
    pub(crate) machine: &'static str,
    pub(crate) processors: fn(u64) -> String,
    pub(crate) unknown_memory: &'static str,
    pub(crate) cards_in: fn(cards: &str, host: &str) -> String,
    pub(crate) virtual_machine: &'static str,
    pub(crate) machine_id: &'static str,
    pub(crate) instructions: &'static str,
    pub(crate) environment: &'static str,
    pub(crate) unknown: &'static str,
    pub(crate) governor: fn(name: &str) -> String,
    pub(crate) quota: fn(processors: &str) -> String,
    pub(crate) driver: fn(version: &str) -> String,
    pub(crate) device: &'static str,
    pub(crate) engine: &'static str,
    pub(crate) boundary: fn(Boundary) -> &'static str,
    pub(crate) order: &'static str,
    pub(crate) sequential: &'static str,
    pub(crate) interleaved: fn(seed: &str) -> String,
    pub(crate) statistics: &'static str,
    pub(crate) statistics_text: &'static str,
    pub(crate) rules: &'static str,
    pub(crate) reproduce: &'static str,
    pub(crate) licence: &'static str,
    pub(crate) licence_text: &'static str,
    pub(crate) data: &'static str,
    pub(crate) data_text: &'static str,
    pub(crate) mlcommons: &'static str,
}

/// The list of runs.
#[derive(Debug)]
pub(crate) struct IndexWords {
    pub(crate) title: &'static str,
    pub(crate) heading: &'static str,
    pub(crate) sub: &'static str,
    pub(crate) empty: &'static str,
    pub(crate) table: &'static str,
    pub(crate) columns: [&'static str; 4],
    pub(crate) synthetic: &'static str,
    pub(crate) not_checked: &'static str,
    pub(crate) untrustworthy: &'static str,
    pub(crate) nothing: &'static str,
    pub(crate) footer: &'static str,
}

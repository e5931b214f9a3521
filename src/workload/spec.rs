//! A workload: what one request asks for, and how often it is repeated.

/// What a workload is in the file for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum WorkloadRole {
    /// Something a user does.
    Measure,
    /// Exercises the harness only.
    Test,
}

/// One way of using a model. All lengths are exact: the end-of-sequence token is ignored.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Workload {
    /// Key in `workloads.toml`.
    pub id: String,
    /// Name for readers.
    pub title: String,
    /// Why it is asked, for readers; empty where it was read from a run file.
    pub why: String,
    /// What it is in the file for.
    pub role: WorkloadRole,
    /// Part of what `cargo bench` measures.
    pub default: bool,
    /// Tokens of the prompt, at least 1.
    pub prompt_tokens: u64,
    /// Tokens of the answer, at least 2, so that a time per output token exists.
    pub output_tokens: u64,
    /// Sequences decoded together.
    pub batch: u64,
    /// Tokens in the KV cache before the prompt.
    pub context_depth: u64,
    /// Times the model is loaded, over all process starts.
    pub loads: u64,
    /// Repetitions that come first in each process start and enter no figure.
    pub warm_up: u64,
    /// Fewest repetitions that are measured, over all process starts.
    pub repetitions: u64,
    /// Most of them; between the two it depends on how precise the figures are.
    pub most_repetitions: u64,
    /// Seconds after which no repetition beyond the fewest is begun.
    pub limit_seconds: u64,
}

impl Workload {
    /// Positions a sequence needs: depth, prompt and answer.
    pub fn positions(&self) -> u64 {
        self.context_depth + self.prompt_tokens + self.output_tokens
    }
}

/// The workloads of `workloads.toml`, in its order; ids are unique.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct WorkloadBook {
    workloads: Vec<Workload>,
}

impl WorkloadBook {
    pub(super) fn new(workloads: Vec<Workload>) -> Self {
        Self { workloads }
    }

    /// Every workload, in file order.
    pub fn workloads(&self) -> &[Workload] {
        &self.workloads
    }

    /// The workload with this id.
    pub fn get(&self, id: &str) -> Option<&Workload> {
        self.workloads.iter().find(|workload| workload.id == id)
    }
}

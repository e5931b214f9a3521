//! What the facts mean for a run on this machine, check by check. Pure: facts come in, sentences go out.

use std::fmt;

use super::facts::{CacheFacts, Cuda, Facts, HubFacts, Need};
use super::surroundings;
use crate::hardware::{Environment, Machine};
use crate::units::Bytes;

/// How a check came out.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(super) enum CheckStatus {
    /// Nothing to do.
    Ok,
    /// A run works, but slower, less surely or with less in it.
    Warning,
    /// The default run cannot work.
    Blocking,
}

impl CheckStatus {
    /// All of them, the best first.
    pub(super) const ALL: [Self; 3] = [Self::Ok, Self::Warning, Self::Blocking];

    /// The word for it.
    pub(super) const fn id(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Blocking => "blocking",
        }
    }
}

/// One thing that was looked at.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Check {
    /// What was looked at: a stable word.
    pub(super) id: &'static str,
    /// How it came out.
    pub(super) status: CheckStatus,
    /// What was seen.
    pub(super) finding: String,
    /// What to do about it, or what it would take to have more.
    pub(super) remedy: Option<String>,
}

impl Check {
    pub(super) fn ok(id: &'static str, finding: impl Into<String>) -> Self {
        Self { id, status: CheckStatus::Ok, finding: finding.into(), remedy: None }
    }

    pub(super) fn warning(id: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: CheckStatus::Warning, ..Self::ok(id, finding) }.with(remedy)
    }

    pub(super) fn blocking(id: &'static str, finding: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { status: CheckStatus::Blocking, ..Self::ok(id, finding) }.with(remedy)
    }

    pub(super) fn with(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// Every check, in the order they are printed.
pub(super) fn examine(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![
        build(facts.profile),
        machine(&facts.machine),
        cpu(&facts.machine, &facts.environment),
        cuda(&facts.cuda, facts.environment.gpu_driver.as_deref()),
        memory(facts.free_memory, &facts.memory_needs),
        cache(&facts.cache),
        disk(facts.free_disk, &facts.disk_needs, facts.memory_needs.len()),
    ];
    let is_virtual = facts.environment.virtual_machine;
    checks.extend(surroundings::examine(&facts.condition, facts.machine.logical_cpus, is_virtual));
    checks.push(clock(facts.environment.clock_step_nanoseconds));
    checks.extend([hub(&facts.hub), token(facts.has_token)]);
    checks
}

fn build(profile: &str) -> Check {
    let finding = format!("claimbench {}, {profile} build", crate::provenance::VERSION);
    if profile == "debug" {
        let remedy = "build with `cargo build --release`; runs of this build end with exit code 3";
        return Check::warning("build", format!("{finding}: its speeds mean nothing"), remedy);
    }
    Check::ok("build", finding)
}

/// What the machine id is the digest of, but for what other checks show.
fn machine(machine: &Machine) -> Check {
    let unknown = || "an unknown number of".to_owned();
    let cores = machine.physical_cores.map_or_else(unknown, |cores| cores.to_string());
    let cache = machine.last_level_cache();
    let cache = cache.map_or_else(
        || "no cache is shown".to_owned(),
        |bytes| format!("{} of last-level cache", mib(bytes)),
    );
    let label = machine.label.as_ref().map_or_else(String::new, |label| format!(" ({label})"));
    Check::ok("machine", format!("id {}{label}, {cores} cores, {cache}", machine.id()))
}

/// What times are stamped with.
fn clock(step: Option<u64>) -> Check {
    let finding = step.map_or_else(
        || "unknown: the clock was not seen to move".to_owned(),
        |step| format!("the clock advances by {step} ns at the least, the time of a reading included"),
    );
    Check::ok("clock", finding)
}

fn cpu(machine: &Machine, environment: &Environment) -> Check {
    let features = &environment.cpu_features;
    let cpus = if machine.logical_cpus == 1 { "CPU" } else { "CPUs" };
    let instructions = if features.is_empty() { "unknown here".to_owned() } else { features.join(" ") };
    let finding =
        format!("{}, {} logical {cpus}, instruction sets {instructions}", machine.cpu, machine.logical_cpus);
    let is_fast = ["avx2", "asimd"].iter().any(|fast| features.iter().any(|feature| feature == fast));
    if is_fast || features.is_empty() {
        return Check::ok("cpu", finding);
    }
    let remedy = "the kernels for quantised weights are written for AVX2 or NEON; use a processor that has one of them";
    Check::warning("cpu", finding, remedy)
}

fn cuda(cuda: &Cuda, driver: Option<&str>) -> Check {
    match (cuda, driver) {
        (Cuda::NotCompiled, None) => Check::ok("cuda", "built without CUDA support; runs use the processor"),
        (Cuda::NotCompiled, Some(driver)) => {
            let finding = format!("{driver} driver found, but built without CUDA support");
            Check::ok("cuda", finding).with("to measure the card, build with `--features cuda`")
        }
        (Cuda::Silent(reason), _) => Check::warning(
            "cuda",
            reason.clone(),
            "repair the driver, or name the processor with --device cpu",
        ),
        (Cuda::Answers(name), _) => Check::ok("cuda", format!("{name} answers")),
    }
}

/// The whole default run against what is free.
fn memory(free: Option<Bytes>, needs: &[Need]) -> Check {
    let Some(free) = free else {
        return Check::ok("memory", "the system does not tell how much is free");
    };
    let lacking: Vec<&Need> = needs.iter().filter(|need| need.bytes > free).collect();
    let remedy = "close other programs or raise the container's limit; `claimbench list` names smaller models for --model";
    if lacking.is_empty() {
        let most = needs.iter().map(|need| need.bytes).max().unwrap_or_default();
        return Check::ok("memory", format!("{} free, default cases need up to {}", gb(free), gb(most)));
    }
    if lacking.len() == needs.len() {
        let least = needs.iter().map(|need| need.bytes).min().unwrap_or_default();
        let finding = format!("{} free, the smallest default case needs {}", gb(free), gb(least));
        return Check::blocking("memory", finding, remedy);
    }
    Check::warning("memory", format!("{} free, too little for {}", gb(free), names(&lacking)), remedy)
}

/// The checkpoints that the default run has yet to write, all of them together.
fn disk(free: Option<Bytes>, needs: &[Need], cases: usize) -> Check {
    if needs.is_empty() {
        return Check::ok("disk", "every default checkpoint is there; nothing is left to write");
    }
    let needed = Bytes::new(needs.iter().map(|need| need.bytes.count()).sum());
    let Some(free) = free else {
        let finding = format!("{} still to write; the system does not tell what is free", gb(needed));
        return Check::ok("disk", finding);
    };
    let finding = format!("{} free in the cache folder, {} still to write", gb(free), gb(needed));
    let remedy = "free some space, or set CLAIMBENCH_CACHE to a folder with room; `claimbench clean` removes old checkpoints";
    if needed <= free {
        Check::ok("disk", finding)
    } else if needs.len() >= cases && needs.iter().all(|need| need.bytes > free) {
        Check::blocking("disk", finding, remedy)
    } else {
        Check::warning("disk", finding, remedy)
    }
}

fn cache(cache: &Result<CacheFacts, String>) -> Check {
    let facts = match cache {
        Ok(facts) => facts,
        Err(problem) => {
            let remedy = "set CLAIMBENCH_CACHE to an absolute path of a folder that you can write to";
            return Check::blocking("cache", problem.clone(), remedy);
        }
    };
    let holds = match facts.checkpoints {
        0 => "no checkpoints yet".to_owned(),
        1 => format!("1 synthetic checkpoint, {}", gb(facts.bytes)),
        many => format!("{many} synthetic checkpoints, {}", gb(facts.bytes)),
    };
    Check::ok("cache", format!("{} is writable and holds {holds}", facts.folder))
}

fn hub(hub: &HubFacts) -> Check {
    match hub {
        HubFacts::NotAsked => Check::ok("hub", "not asked, as --offline says"),
        HubFacts::Offline => {
            Check::ok("hub", "not asked, as HF_HUB_OFFLINE says; `claimbench pull` takes what the cache has")
        }
        HubFacts::Answers => {
            Check::ok("hub", "the model hub answers; `claimbench pull` can fetch real weights")
        }
        HubFacts::Silent(reason) => Check::warning(
            "hub",
            format!("the model hub is not reachable: {reason}"),
            "check the network, the proxy and HF_ENDPOINT; synthetic weights and files in the cache work without it",
        ),
    }
}

fn token(has_token: bool) -> Check {
    let (word, note) = if has_token { ("set", "") } else { ("not set", "; only gated models ask for one") };
    Check::ok("token", format!("HF_TOKEN or a token file is {word}{note}"))
}

/// Bytes as people compare them.
pub(super) fn gb(bytes: Bytes) -> impl fmt::Display {
    format!("{:.2} GB", bytes.as_f64() / 1e9)
}

fn mib(bytes: Bytes) -> String {
    format!("{} MiB", bytes.as_f64() / 1_048_576.0)
}

fn names(needs: &[&Need]) -> String {
    let named: Vec<_> = needs.iter().map(|need| format!("{} ({})", need.what, gb(need.bytes))).collect();
    named.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hardware::example_machine;

    fn need(what: &str, size: u64) -> Need {
        Need { what: what.to_owned(), bytes: gigabytes(size) }
    }

    fn gigabytes(number: u64) -> Bytes {
        Bytes::new(number * 1_000_000_000)
    }

    #[test]
    fn memory_blocks_only_if_not_even_the_smallest_case_fits() {
        let needs = [need("small", 2), need("large", 8)];
        let status = |free| memory(free, &needs).status;
        assert_eq!(status(Some(gigabytes(8))), CheckStatus::Ok);
        assert_eq!(status(Some(gigabytes(3))), CheckStatus::Warning);
        assert_eq!(status(Some(gigabytes(1))), CheckStatus::Blocking);
        assert_eq!(status(None), CheckStatus::Ok);
        let least = memory(Some(gigabytes(1)), &needs).finding;
        assert_eq!(least, "1.00 GB free, the smallest default case needs 2.00 GB");
        assert!(memory(Some(gigabytes(3)), &needs).finding.ends_with("too little for large (8.00 GB)"));
    }

    #[test]
    fn disk_blocks_if_no_case_could_be_written_and_none_is_there() {
        let needs = [need("a", 2), need("b", 4)];
        assert_eq!(disk(Some(gigabytes(6)), &needs, 2).status, CheckStatus::Ok);
        assert_eq!(disk(Some(gigabytes(5)), &needs, 2).status, CheckStatus::Warning);
        assert_eq!(disk(Some(gigabytes(1)), &needs, 2).status, CheckStatus::Blocking);
        assert_eq!(
            disk(Some(gigabytes(1)), &needs, 3).status,
            CheckStatus::Warning,
            "one case has its checkpoint"
        );
        assert_eq!(disk(Some(gigabytes(0)), &[], 2).status, CheckStatus::Ok);
    }

    #[test]
    fn only_known_instruction_sets_can_be_lacking() {
        let with = |features: &[&str]| {
            let cpu_features = features.iter().map(ToString::to_string).collect();
            cpu(&example_machine(), &Environment { cpu_features, ..Environment::default() }).status
        };
        assert_eq!(with(&["avx2", "fma"]), CheckStatus::Ok);
        assert_eq!(with(&["asimd"]), CheckStatus::Ok);
        assert_eq!(with(&["avx"]), CheckStatus::Warning);
        assert_eq!(with(&[]), CheckStatus::Ok, "unknown is not lacking");
    }

    #[test]
    fn the_machine_is_named_by_what_its_id_follows_from() {
        let example = example_machine();
        let expected = format!("id {}, 2 cores, 32 MiB of last-level cache", example.id());
        assert_eq!(machine(&example).finding, expected);
        let masked = Machine { physical_cores: None, caches: vec![], ..example_machine() };
        assert!(machine(&masked).finding.ends_with(", an unknown number of cores, no cache is shown"));
        assert!(clock(Some(31)).finding.contains(" 31 ns ") && clock(None).finding.starts_with("unknown"));
    }

    #[test]
    fn a_card_is_a_warning_only_if_this_build_could_use_it() {
        assert_eq!(cuda(&Cuda::NotCompiled, None).remedy, None);
        let idle = cuda(&Cuda::NotCompiled, Some("NVIDIA 580.95.05"));
        assert_eq!(idle.status, CheckStatus::Ok);
        assert!(idle.remedy.unwrap().contains("--features cuda"));
        assert_eq!(cuda(&Cuda::Silent("no driver".into()), None).status, CheckStatus::Warning);
        assert_eq!(cuda(&Cuda::Answers("NVIDIA H200".into()), None).finding, "NVIDIA H200 answers");
    }

    #[test]
    fn a_debug_build_a_silent_hub_and_a_lost_cache_are_told() {
        assert_eq!(build("debug").status, CheckStatus::Warning);
        assert_eq!(build("release").status, CheckStatus::Ok);
        assert_eq!(hub(&HubFacts::Silent("no connection".into())).status, CheckStatus::Warning);
        assert_eq!(hub(&HubFacts::NotAsked).status, CheckStatus::Ok);
        assert_eq!(cache(&Err("nowhere".into())).status, CheckStatus::Blocking);
    }
}

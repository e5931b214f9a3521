//! Processors, cores and caches, as the system's folders show them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::files::{entries, number, processors, trimmed};
use crate::units::{Bytes, index_as_u64};

/// What a cache holds.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum CacheKind {
    /// Data alone.
    Data,
    /// Instructions alone.
    Instruction,
    /// Both.
    Unified,
}

impl CacheKind {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Data, Self::Instruction, Self::Unified];

    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Data => "data",
            Self::Instruction => "instruction",
            Self::Unified => "unified",
        }
    }
}

/// Caches of one kind and size.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Cache {
    /// 1 is the one nearest to the processor.
    pub level: u64,
    /// What it holds.
    pub kind: CacheKind,
    /// Size of one.
    pub bytes: Bytes,
    /// How many there are; one that several processors share is one.
    pub instances: u64,
}

/// The caches of all processors, level by level; empty where the system shows none.
pub(super) fn caches(root: &Path) -> Vec<Cache> {
    // A cache shows up in the folder of every processor that shares it, each time with the same list of them.
    let mut seen = BTreeSet::new();
    for cpu in processors(root) {
        for index in entries(&cpu.join("cache")) {
            let text = |name: &str| trimmed(&index.join(name));
            let kind = CacheKind::ALL
                .into_iter()
                .find(|kind| text("type").is_some_and(|shown| shown.eq_ignore_ascii_case(kind.id())));
            let (Some(level), Some(kind), Some(bytes)) =
                (number(&index.join("level")), kind, text("size").and_then(|size| cache_size(&size)))
            else {
                continue;
            };
            let alone = || cpu.file_name().map(|name| name.to_string_lossy().into_owned());
            seen.insert((level, kind, bytes, text("shared_cpu_list").or_else(alone)));
        }
    }
    let mut count = BTreeMap::<_, u64>::new();
    for (level, kind, bytes, _) in seen {
        *count.entry((level, kind, bytes)).or_default() += 1;
    }
    count
        .into_iter()
        .map(|((level, kind, bytes), instances)| Cache { level, kind, bytes, instances })
        .collect()
}

/// `32K` or `32M`: the system counts in 1,024s.
fn cache_size(text: &str) -> Option<Bytes> {
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit: u64 = match unit {
        "" => 1,
        "K" => 1 << 10,
        "M" => 1 << 20,
        "G" => 1 << 30,
        _ => return None,
    };
    let bytes = digits.parse::<u64>().ok()?.checked_mul(unit)?;
    (bytes > 0).then_some(Bytes::new(bytes))
}

/// Processors that are there, whether switched on or not.
pub(super) fn present_cpus(root: &Path) -> Option<u64> {
    list_length(&trimmed(&root.join("sys/devices/system/cpu/present"))?)
}

/// Processors that this process may run on, whatever its quota is.
pub(super) fn allowed_cpus(root: &Path) -> Option<u64> {
    let status = trimmed(&root.join("proc/self/status"))?;
    list_length(&super::files::first_field(&status, "Cpus_allowed_list")?)
}

/// Cores: the threads of one name each other as siblings. Those that are switched off are not shown.
pub(super) fn physical_cores(root: &Path) -> Option<u64> {
    let siblings = |name: &str| {
        let lists = processors(root);
        let lists = lists.iter().filter_map(|cpu| trimmed(&cpu.join("topology").join(name)));
        index_as_u64(lists.filter(|list| !list.is_empty()).collect::<BTreeSet<_>>().len())
    };
    ["core_cpus_list", "thread_siblings_list"].into_iter().map(siblings).find(|&cores| cores > 0)
}

/// Cores that this process may run on: a core is in if one of its threads is. At most what its quota and the system allow to run
/// at once; `None` where the system shows no cores.
pub(super) fn allowed_cores(root: &Path) -> Option<u64> {
    let status = trimmed(&root.join("proc/self/status"))?;
    let allowed = list(&super::files::first_field(&status, "Cpus_allowed_list")?)?;
    let core = |cpu: u64| {
        let topology = root.join(format!("sys/devices/system/cpu/cpu{cpu}/topology"));
        ["core_cpus_list", "thread_siblings_list"].into_iter().find_map(|name| trimmed(&topology.join(name)))
    };
    let cores: BTreeSet<String> = allowed.into_iter().flatten().filter_map(core).collect();
    (!cores.is_empty()).then(|| index_as_u64(cores.len()))
}

/// The ranges of a list such as `0-3,8`, none longer than there can be processors.
fn list(text: &str) -> Option<Vec<std::ops::RangeInclusive<u64>>> {
    list_length(text).filter(|length| *length <= 1 << 16)?;
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    text.trim().split(',').map(range).collect()
}

/// The length of a list such as `0-3,8`.
fn list_length(text: &str) -> Option<u64> {
    let mut length = 0_u64;
    for part in text.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u64, u64) = (first.parse().ok()?, last.parse().ok()?);
        length = length.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    (length > 0).then_some(length)
}

/// The pages the kernel counts memory in; 4,096 bytes where it does not tell.
pub(super) fn page_size(root: &Path) -> u64 {
    auxiliary_page_size(root).unwrap_or(4_096)
}

/// From the vector that the kernel hands to each process: pairs of a key and a value, each a machine word.
fn auxiliary_page_size(root: &Path) -> Option<u64> {
    const PAGE_SIZE: u64 = 6;
    let vector = super::files::bytes(&root.join("proc/self/auxv"))?;
    let word = |bytes: &[u8]| {
        let bytes = <[u8; size_of::<usize>()]>::try_from(bytes).ok()?;
        Some(index_as_u64(usize::from_ne_bytes(bytes)))
    };
    let pair = vector
        .chunks_exact(2 * size_of::<usize>())
        .find(|pair| word(&pair[..size_of::<usize>()]) == Some(PAGE_SIZE))?;
    word(&pair[size_of::<usize>()..]).filter(|size| size.is_power_of_two() && *size >= 4_096)
}

/// The files that count how often a processor was slowed because of its heat: one per processor, and one per package.
pub(super) fn throttle_counters(root: &Path) -> Vec<std::path::PathBuf> {
    let mut packages = BTreeSet::new();
    let mut counters = Vec::new();
    for cpu in processors(root) {
        let folder = cpu.join("thermal_throttle");
        counters.push(folder.join("core_throttle_count"));
        // Every processor of a package shows the package's one counter.
        if packages.insert(number(&cpu.join("topology/physical_package_id"))) {
            counters.push(folder.join("package_throttle_count"));
        }
    }
    counters.retain(|counter| counter.exists());
    counters
}

/// The size of all caches of the largest level together.
pub(super) fn last_level(caches: &[Cache]) -> Option<Bytes> {
    let holds_data = |cache: &&Cache| cache.kind != CacheKind::Instruction;
    let level = caches.iter().filter(holds_data).map(|cache| cache.level).max()?;
    let last = caches.iter().filter(holds_data).filter(|cache| cache.level == level);
    let sum = last
        .fold(0_u64, |sum, cache| sum.saturating_add(cache.bytes.count().saturating_mul(cache.instances)));
    Some(Bytes::new(sum))
}

#[cfg(test)]
mod tests {
    use super::super::files::root_with;
    use super::*;

    /// Four processors with two threads per core: caches of the first two levels per core, one of the third for all.
    fn files() -> Vec<(String, String)> {
        let mut files = vec![("present".to_owned(), "0-3\n".to_owned())];
        for cpu in 0..4 {
            let core = if cpu < 2 { "0-1" } else { "2-3" };
            files.push((format!("cpu{cpu}/topology/core_cpus_list"), format!("{core}\n")));
            files.push((format!("cpu{cpu}/topology/physical_package_id"), "0\n".to_owned()));
            for (index, level, kind, size, shared) in [
                (0, 1, "Data", "48K", core),
                (1, 1, "Instruction", "32K", core),
                (2, 2, "Unified", "1024K", core),
                (3, 3, "Unified", "32M", "0-3"),
            ] {
                let file = |name: &str| format!("cpu{cpu}/cache/index{index}/{name}");
                files.push((file("level"), level.to_string()));
                files.push((file("type"), kind.to_owned()));
                files.push((file("size"), size.to_owned()));
                files.push((file("shared_cpu_list"), shared.to_owned()));
            }
        }
        files
    }

    fn root(files: &[(String, String)]) -> tempfile::TempDir {
        let below =
            |(name, text): &(String, String)| (format!("sys/devices/system/cpu/{name}"), text.clone());
        let files: Vec<_> = files.iter().map(below).collect();
        root_with(&files.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
    }

    #[test]
    fn shared_caches_are_counted_once() {
        let root = root(&files());
        let cache = |level, kind, kibibytes: u64, instances| Cache {
            level,
            kind,
            bytes: Bytes::new(kibibytes << 10),
            instances,
        };
        let found = caches(root.path());
        let expected = [
            cache(1, CacheKind::Data, 48, 2),
            cache(1, CacheKind::Instruction, 32, 2),
            cache(2, CacheKind::Unified, 1_024, 2),
            cache(3, CacheKind::Unified, 32 << 10, 1),
        ];
        assert_eq!(found, expected);
        assert_eq!(last_level(&found), Some(Bytes::new(32 << 20)));
        assert_eq!(physical_cores(root.path()), Some(2));
        assert_eq!(present_cpus(root.path()), Some(4));
    }

    #[test]
    fn a_core_counts_once_and_only_where_one_of_its_threads_may_run() {
        for (allowed, cores) in
            [("0-3", Some(2)), ("0,2", Some(2)), ("0-1", Some(1)), ("3", Some(1)), ("9", None)]
        {
            let root = root(&files());
            super::super::files::put(
                root.path(),
                &[("proc/self/status", &format!("Cpus_allowed_list:\t{allowed}\n"))],
            );
            assert_eq!(allowed_cores(root.path()), cores, "{allowed}");
        }
    }

    #[test]
    fn the_last_level_is_the_sum_of_its_instances_whatever_their_sizes() {
        let cache = |kind, bytes, instances| Cache { level: 2, kind, bytes: Bytes::new(bytes), instances };
        let hybrid = [
            Cache { level: 1, ..cache(CacheKind::Data, 9_999, 9) },
            cache(CacheKind::Unified, 100, 4),
            cache(CacheKind::Unified, 300, 2),
            cache(CacheKind::Instruction, 7, 1),
        ];
        assert_eq!(last_level(&hybrid), Some(Bytes::new(1_000)));
        assert_eq!(last_level(&[]), None);
    }

    #[test]
    fn without_a_list_of_sharers_a_cache_belongs_to_its_processor_and_nonsense_is_left_out() {
        let mut files = files();
        files.retain(|(name, _)| !name.ends_with("shared_cpu_list") && !name.contains("index1"));
        files.push(("cpu0/cache/index0/size".to_owned(), "many".to_owned()));
        files.push(("cpu1/cache/index0/type".to_owned(), "Trace".to_owned()));
        let found = caches(root(&files).path());
        assert_eq!(found.iter().map(|cache| cache.instances).collect::<Vec<_>>(), [2, 4, 4]);
    }

    #[test]
    fn a_system_that_shows_nothing_has_no_caches_and_no_cores() {
        let root = root_with(&[]);
        assert_eq!((caches(root.path()), physical_cores(root.path())), (vec![], None));
        assert_eq!((present_cpus(root.path()), throttle_counters(root.path()).len()), (None, 0));
        assert_eq!(page_size(root.path()), 4_096);
    }

    #[test]
    fn lists_and_sizes_are_read_as_the_system_writes_them() {
        assert_eq!(["0", "0-3,8", "0-1,4-5"].map(list_length), [Some(1), Some(5), Some(4)]);
        assert_eq!(["", "3-0", "a", "0-18446744073709551615"].map(list_length), [None; 4]);
        let size = |text| cache_size(text).map(Bytes::count);
        assert_eq!(
            ["32K", "2M", "64", "0K", "K", "5T"].map(size),
            [Some(32_768), Some(2_097_152), Some(64), None, None, None]
        );
        let root = root_with(&[("proc/self/status", "Name:\tx\nCpus_allowed_list:\t0-2\n")]);
        assert_eq!(allowed_cpus(root.path()), Some(3));
    }

    #[test]
    fn the_page_size_is_the_kernels_own() {
        let words = |words: [usize; 4]| words.iter().flat_map(|word| word.to_ne_bytes()).collect::<Vec<_>>();
        for (vector, size) in [([16, 7, 6, 65_536], 65_536), ([16, 6, 0, 0], 4_096), ([6, 5, 0, 0], 4_096)] {
            let root = root_with(&[]);
            super::super::files::put_bytes(root.path(), "proc/self/auxv", &words(vector));
            assert_eq!(page_size(root.path()), size);
        }
    }

    #[test]
    fn a_package_is_counted_once_and_each_processor_for_itself() {
        let mut files = files();
        for cpu in 0..4 {
            for name in ["core", "package"] {
                files.push((format!("cpu{cpu}/thermal_throttle/{name}_throttle_count"), "1".to_owned()));
            }
        }
        assert_eq!(throttle_counters(root(&files).path()).len(), 4 + 1);
    }
}

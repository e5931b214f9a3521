//! The control groups that bind this process: what they allow, what they hold, how long they held it back.
//!
//! A group is limited by every group above it too, so all of them are looked at, in both versions of control groups.

use std::path::{Path, PathBuf};

use super::files::{counter, number, trimmed};
use crate::units::Bytes;

/// A limit at or above this is no limit: version 1 of control groups writes a number near 2^63 for "none".
const NO_MEMORY_LIMIT: u64 = 1 << 60;

/// The groups of this process and every one above, in all hierarchies.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct ControlGroups {
    folders: Vec<PathBuf>,
}

impl ControlGroups {
    /// Finds them below a root.
    pub(super) fn find(root: &Path) -> Self {
        let top = root.join("sys/fs/cgroup");
        // Within a container the paths of the groups may be those of the host; the top is then the container's own.
        let mut folders = vec![top.clone(), top.join("cpu"), top.join("memory")];
        let text = trimmed(&root.join("proc/self/cgroup")).unwrap_or_default();
        for line in text.lines() {
            // `0::/path` is version 2, `4:memory:/path` is version 1.
            let mut fields = line.splitn(3, ':').skip(1);
            let (Some(controllers), Some(group)) = (fields.next(), fields.next()) else { continue };
            let hierarchy = match controllers {
                "" => top.clone(),
                "memory" => top.join("memory"),
                cpu if cpu.split(',').any(|name| name == "cpu") => top.join("cpu"),
                _ => continue,
            };
            let mut group = Path::new(group.trim_start_matches('/'));
            while group.components().next().is_some() {
                folders.push(hierarchy.join(group));
                group = group.parent().unwrap_or(Path::new(""));
            }
        }
        Self { folders }
    }

    /// The tightest processor limit, in thousandths of a processor.
    pub(super) fn cpu_limit_milli(&self) -> Option<u64> {
        self.folders.iter().filter_map(|folder| cpu_limit(folder)).min()
    }

    /// The tightest memory limit.
    pub(super) fn memory_limit(&self) -> Option<Bytes> {
        self.folders.iter().filter_map(|folder| memory_limit(folder)).min()
    }

    /// The least that any group leaves to its processes: its limit minus what they hold. Pages of files do not count as
    /// held, since the kernel drops them before it refuses memory. `None` without a limit.
    pub(super) fn memory_left(&self) -> Option<Bytes> {
        let left = |folder: &PathBuf| {
            let held = memory_held(folder).unwrap_or_default();
            Some(Bytes::new(memory_limit(folder)?.count().saturating_sub(held.count())))
        };
        self.folders.iter().filter_map(left).min()
    }

    /// Time that each group's quota held its processes back, in nanoseconds since the group was made and summed over
    /// processors; `None` for groups that do not count it. The order is always the same.
    pub(super) fn held_back_nanos(&self) -> Vec<Option<u64>> {
        self.folders.iter().map(|folder| held_back(folder)).collect()
    }
}

fn cpu_limit(folder: &Path) -> Option<u64> {
    if let Some(text) = trimmed(&folder.join("cpu.max")) {
        return quota_milli(&text);
    }
    let field = |name: &str| trimmed(&folder.join(name));
    quota_milli(&format!("{} {}", field("cpu.cfs_quota_us")?, field("cpu.cfs_period_us")?))
}

/// "quota period" in microseconds, as in `cpu.max`, as thousandths of a processor; `max` and negative numbers are no
/// limit.
fn quota_milli(text: &str) -> Option<u64> {
    let (quota, period) = text.split_once(' ')?;
    let (quota, period): (u64, u64) = (quota.parse().ok()?, period.trim().parse().ok()?);
    quota.checked_mul(1_000)?.checked_div(period)
}

fn memory_limit(folder: &Path) -> Option<Bytes> {
    let bytes =
        number(&folder.join("memory.max")).or_else(|| number(&folder.join("memory.limit_in_bytes")))?;
    (bytes < NO_MEMORY_LIMIT).then_some(Bytes::new(bytes))
}

fn memory_held(folder: &Path) -> Option<Bytes> {
    let used =
        number(&folder.join("memory.current")).or_else(|| number(&folder.join("memory.usage_in_bytes")))?;
    let stat = trimmed(&folder.join("memory.stat")).unwrap_or_default();
    // Version 1 counts the groups below under names of their own; version 2 always includes them.
    let pages = |name: &str| counter(&stat, &format!("total_{name}")).or_else(|| counter(&stat, name));
    let files = ["active_file", "inactive_file"].into_iter().filter_map(pages);
    Some(Bytes::new(files.fold(used, u64::saturating_sub)))
}

fn held_back(folder: &Path) -> Option<u64> {
    let stat = trimmed(&folder.join("cpu.stat"))?;
    // Version 2 counts microseconds, version 1 nanoseconds.
    let micros = counter(&stat, "throttled_usec").and_then(|micros| micros.checked_mul(1_000));
    micros.or_else(|| counter(&stat, "throttled_time"))
}

#[cfg(test)]
mod tests {
    use super::super::files::root_with;
    use super::*;

    fn of(files: &[(&str, &str)]) -> (tempfile::TempDir, ControlGroups) {
        let root = root_with(files);
        let groups = ControlGroups::find(root.path());
        (root, groups)
    }

    fn gigabytes(number: u64) -> Bytes {
        Bytes::new(number * 1_000_000_000)
    }

    #[test]
    fn a_quota_reads_as_thousandths_and_no_limit_as_none() {
        assert_eq!(quota_milli("150000 100000"), Some(1_500));
        assert_eq!(quota_milli("max 100000"), None);
        assert_eq!(quota_milli("150000 0"), None);
    }

    #[test]
    fn the_tightest_limit_of_nested_groups_counts_in_version_2() {
        let (_root, groups) = of(&[
            ("proc/self/cgroup", "0::/outer/inner\n"),
            ("sys/fs/cgroup/outer/cpu.max", "150000 100000\n"),
            ("sys/fs/cgroup/outer/inner/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/outer/memory.max", "max\n"),
            ("sys/fs/cgroup/outer/inner/memory.max", "4000000000\n"),
        ]);
        assert_eq!(groups.cpu_limit_milli(), Some(1_500));
        assert_eq!(groups.memory_limit(), Some(gigabytes(4)));
    }

    #[test]
    fn limits_of_version_1_are_read_too_and_its_huge_number_is_none() {
        let (_root, groups) = of(&[
            ("proc/self/cgroup", "4:memory:/a\n1:cpu,cpuacct:/a\n"),
            ("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "2000000000\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/cpu/a/cpu.cfs_quota_us", "50000\n"),
            ("sys/fs/cgroup/cpu/a/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!((groups.cpu_limit_milli(), groups.memory_limit()), (Some(500), Some(gigabytes(2))));
        let (_root, free) = of(&[
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
            ("sys/fs/cgroup/memory/memory.usage_in_bytes", "1000\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n"),
        ]);
        assert_eq!((free.cpu_limit_milli(), free.memory_limit(), free.memory_left()), (None, None, None));
    }

    #[test]
    fn what_is_left_is_the_limit_less_what_is_held_and_cached_files_are_not_held() {
        let (_root, groups) = of(&[
            ("proc/self/cgroup", "0::/outer/inner\n"),
            ("sys/fs/cgroup/outer/memory.max", "9000000000\n"),
            ("sys/fs/cgroup/outer/memory.current", "8000000000\n"),
            ("sys/fs/cgroup/outer/memory.stat", "anon 6000000000\ninactive_file 1000000000\n"),
            ("sys/fs/cgroup/outer/inner/memory.max", "4000000000\n"),
            ("sys/fs/cgroup/outer/inner/memory.current", "3000000000\n"),
            (
                "sys/fs/cgroup/outer/inner/memory.stat",
                "active_file 500000000\ninactive_file 2500000000\nanon 0\n",
            ),
        ]);
        // The inner group has all of its 4 GB left, the outer one 9 - (8 - 1).
        assert_eq!(groups.memory_left(), Some(gigabytes(2)));

        let folder = "sys/fs/cgroup/memory/memory";
        let (_root, old) = of(&[
            (&format!("{folder}.limit_in_bytes"), "4000000000"),
            (&format!("{folder}.usage_in_bytes"), "3000000000"),
            (&format!("{folder}.stat"), "inactive_file 0\ntotal_inactive_file 2000000000\n"),
        ]);
        assert_eq!(old.memory_left(), Some(gigabytes(3)));
    }

    #[test]
    fn a_limit_whose_use_is_unknown_is_left_whole_and_an_exceeded_one_leaves_nothing() {
        let (_root, unknown) = of(&[("sys/fs/cgroup/memory.max", "4000000000")]);
        assert_eq!(unknown.memory_left(), Some(gigabytes(4)));
        let (_root, exceeded) =
            of(&[("sys/fs/cgroup/memory.max", "1000"), ("sys/fs/cgroup/memory.current", "2000")]);
        assert_eq!(exceeded.memory_left(), Some(Bytes::new(0)));
    }

    #[test]
    fn both_versions_count_the_time_held_back_in_nanoseconds() {
        let (_root, groups) = of(&[
            ("proc/self/cgroup", "0::/a\n"),
            ("sys/fs/cgroup/a/cpu.stat", "usage_usec 5\nthrottled_usec 1250\n"),
            ("sys/fs/cgroup/cpu/cpu.stat", "nr_throttled 2\nthrottled_time 77\n"),
        ]);
        assert_eq!(groups.held_back_nanos(), [None, Some(77), None, Some(1_250_000)]);
    }
}

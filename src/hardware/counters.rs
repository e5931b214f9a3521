//! What the system has counted so far, read at both edges of a window.
//!
//! Everything comes from files below `/proc` and `/sys`. A counter that is not there is `None`; it is never a zero.

use std::path::{Path, PathBuf};

use super::control_groups::ControlGroups;
use super::files::{counter, number, trimmed};
use super::power::{batteries, drains};
use super::topology::{page_size, throttle_counters};
use super::window::Window;
use crate::clock::{Clock, Moment, SystemClock};
use crate::units::{Bytes, Seconds, count_as_f64, rounded_u64};

/// Linux counts processor time in hundredths of a second wherever it shows it to programs (`USER_HZ`).
const TICKS_PER_SECOND: f64 = 100.0;

/// A clock that stops while the machine is suspended must fall behind by more than this: the other one is read in
/// hundredths of a second, a moment apart.
const SHORTEST_SUSPENSION_NANOS: u64 = 1_000_000_000;

/// All counters at one moment. They only grow; a window is the growth between two of them.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counters {
    /// Time a hypervisor gave to others while a processor here had work, in ticks over all processors.
    steal_ticks: Option<u64>,
    /// Time that processors worked, in ticks over all processors.
    busy_ticks: Option<u64>,
    /// Time that processors worked for this process, in ticks over all its threads.
    own_ticks: Option<u64>,
    /// Memory moved to or from swap.
    swapped: Option<u64>,
    /// Time some process waited for memory, in microseconds.
    memory_stall_micros: Option<u64>,
    /// Time each control group's quota held its processes back, in nanoseconds.
    quota_stall_nanos: Vec<Option<u64>>,
    /// Times a processor was slowed because of its heat.
    thermal_throttles: Option<u64>,
    /// Time since the system began, suspensions included, in hundredths of a second.
    uptime_centis: Option<u64>,
    /// The same without suspensions, from another origin.
    awake: Option<Moment>,
    /// Whether a battery is being drained.
    on_battery: Option<bool>,
}

impl Counters {
    /// What was counted between this reading and a later one. A counter that ran backwards was reset: unknown.
    pub fn until(&self, later: &Self) -> Window {
        let grown = |of: fn(&Self) -> Option<u64>| of(later)?.checked_sub(of(self)?);
        let ticks = |of| grown(of).and_then(|ticks| seconds(ticks, TICKS_PER_SECOND));
        let foreign = || {
            let (busy, own) = (grown(|at| at.busy_ticks)?, grown(|at| at.own_ticks)?);
            seconds(busy.saturating_sub(own), TICKS_PER_SECOND)
        };
        let held_back = self.quota_stall_nanos.iter().zip(&later.quota_stall_nanos);
        // Groups within each other hold back the same time twice, so the longest counts and not the sum.
        let held_back = held_back.filter_map(|(before, after)| (*after)?.checked_sub((*before)?)).max();
        Window {
            steal: ticks(|at| at.steal_ticks),
            foreign_cpu: foreign(),
            swapped: grown(|at| at.swapped).map(Bytes::new),
            memory_stall: grown(|at| at.memory_stall_micros).and_then(|micros| seconds(micros, 1e6)),
            quota_stall: held_back.and_then(|nanos| seconds(nanos, 1e9)),
            thermal_throttles: grown(|at| at.thermal_throttles),
            suspended: self.suspended_until(later),
            on_battery: later.on_battery,
        }
    }

    fn suspended_until(&self, later: &Self) -> Option<Seconds> {
        let all = later.uptime_centis?.checked_sub(self.uptime_centis?)?.checked_mul(10_000_000)?;
        let awake = later.awake?.nanos().saturating_sub(self.awake?.nanos());
        let asleep = all.saturating_sub(awake);
        seconds(if asleep > SHORTEST_SUSPENSION_NANOS { asleep } else { 0 }, 1e9)
    }

    /// Two readings with this window between them, for scripts.
    pub(super) fn around(window: &Window) -> [Self; 2] {
        let ticks = |time: Option<Seconds>| time.map(|time| rounded_u64(time.value() * TICKS_PER_SECOND));
        let scaled = |time: Option<Seconds>, per: f64| time.map(|time| rounded_u64(time.value() * per));
        let after = Self {
            steal_ticks: ticks(window.steal),
            busy_ticks: ticks(window.foreign_cpu),
            own_ticks: window.foreign_cpu.map(|_| 0),
            swapped: window.swapped.map(Bytes::count),
            memory_stall_micros: scaled(window.memory_stall, 1e6),
            quota_stall_nanos: vec![scaled(window.quota_stall, 1e9)],
            thermal_throttles: window.thermal_throttles,
            uptime_centis: scaled(window.suspended, 100.0),
            awake: window.suspended.map(|_| Moment::ORIGIN),
            on_battery: window.on_battery,
        };
        let zero = |counter: Option<u64>| counter.map(|_| 0);
        let before = Self {
            steal_ticks: zero(after.steal_ticks),
            busy_ticks: zero(after.busy_ticks),
            own_ticks: zero(after.own_ticks),
            swapped: zero(after.swapped),
            memory_stall_micros: zero(after.memory_stall_micros),
            quota_stall_nanos: after.quota_stall_nanos.iter().copied().map(zero).collect(),
            thermal_throttles: zero(after.thermal_throttles),
            uptime_centis: zero(after.uptime_centis),
            ..after.clone()
        };
        [before, after]
    }
}

fn seconds(count: u64, per_second: f64) -> Option<Seconds> {
    Seconds::new(count_as_f64(count) / per_second).ok()
}

/// Reads the counters. Which files there are is found out once; each reading opens only those.
#[derive(Debug)]
pub struct CounterReader {
    root: PathBuf,
    clock: SystemClock,
    groups: ControlGroups,
    throttle_counters: Vec<PathBuf>,
    batteries: Option<Vec<PathBuf>>,
    page_size: u64,
}

impl CounterReader {
    /// A reader of the files below `root`, which is `/` outside tests.
    pub fn below(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            clock: SystemClock::new(),
            groups: ControlGroups::find(root),
            throttle_counters: throttle_counters(root),
            batteries: batteries(root),
            page_size: page_size(root),
        }
    }

    /// All counters as they stand now.
    pub fn read(&self) -> Counters {
        self.read_at(self.clock.now())
    }

    fn read_at(&self, now: Moment) -> Counters {
        let file = |name: &str| trimmed(&self.root.join(name));
        let processors = file("proc/stat").and_then(|text| processor_ticks(&text));
        let throttles = || self.throttle_counters.iter().map(|path| number(path)).sum::<Option<u64>>();
        Counters {
            steal_ticks: processors.map(|(_, steal)| steal),
            busy_ticks: processors.map(|(busy, _)| busy),
            own_ticks: file("proc/self/stat").and_then(|text| own_ticks(&text)),
            swapped: file("proc/vmstat").and_then(|text| swapped_pages(&text)?.checked_mul(self.page_size)),
            memory_stall_micros: file("proc/pressure/memory").and_then(|text| stall_micros(&text)),
            quota_stall_nanos: self.groups.held_back_nanos(),
            thermal_throttles: (!self.throttle_counters.is_empty()).then(throttles).flatten(),
            uptime_centis: file("proc/uptime").and_then(|text| uptime_centis(&text)),
            awake: Some(now),
            on_battery: self.batteries.as_ref().map(|batteries| drains(batteries)),
        }
    }
}

/// Busy and stolen ticks of all processors, from `/proc/stat`.
///
/// Busy is user, nice, system, and both kinds of interrupts. Guests are counted in user and nice already; waiting for a
/// disk is idle; stolen time is neither.
fn processor_ticks(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let fields: Vec<u64> = line.split_whitespace().map(str::parse).collect::<Result<_, _>>().ok()?;
    let [user, nice, system, _idle, _io, interrupts, soft_interrupts, steal, ..] = fields[..] else {
        return None;
    };
    let busy = [nice, system, interrupts, soft_interrupts];
    Some((busy.into_iter().try_fold(user, u64::checked_add)?, steal))
}

/// User and system ticks of this process, fields 14 and 15 of `/proc/self/stat`. Its name, field 2, may hold spaces and
/// parentheses, so fields are counted from the last one.
fn own_ticks(text: &str) -> Option<u64> {
    let (_, fields) = text.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11);
    let mut next = || times.next()?.parse::<u64>().ok();
    next()?.checked_add(next()?)
}

fn swapped_pages(text: &str) -> Option<u64> {
    counter(text, "pswpin")?.checked_add(counter(text, "pswpout")?)
}

/// `total=` in the line `some` of a pressure file, in microseconds.
fn stall_micros(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    line.split_whitespace().find_map(|field| field.strip_prefix("total="))?.parse().ok()
}

/// The first number of `/proc/uptime`, whose two decimals are all it has.
fn uptime_centis(text: &str) -> Option<u64> {
    let seconds: f64 = text.split_whitespace().next()?.parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| rounded_u64(seconds * 100.0))
}

#[cfg(test)]
mod tests {
    use super::super::files::{put, root_with};
    use super::*;

    const STAT: &str =
        "cpu  1000 200 300 9000 50 30 20 40 500 100\ncpu0 1000 200 300 9000 50 30 20 40 500 100\n";
    const OWN: &str = "7 (a (b) c) S 1 7 7 0 -1 4194304 101 0 0 0 250 50 9 9 20 0 1 0 5 3 4";

    /// Files in which every counter can be read.
    const BEFORE: [(&str, &str); 10] = [
        ("proc/stat", STAT),
        ("proc/self/stat", OWN),
        ("proc/vmstat", "nr_free_pages 9\npswpin 10\npswpout 20\npswpoutx 7\n"),
        ("proc/pressure/memory", "some avg10=0.00 avg60=0.07 total=6761457\nfull avg10=0.00 total=1\n"),
        ("proc/self/cgroup", "0::/outer/inner\n"),
        ("sys/fs/cgroup/outer/cpu.stat", "usage_usec 1\nthrottled_usec 1000\n"),
        ("sys/fs/cgroup/outer/inner/cpu.stat", "usage_usec 1\nthrottled_usec 5000\n"),
        ("sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "3\n"),
        ("proc/uptime", "1000.50 15978.85\n"),
        ("sys/class/power_supply/BAT0/type", "Battery\n"),
    ];

    /// The window in which these files changed, while the clock advanced by 10 s.
    fn window(before: &[(&str, &str)], changes: &[(&str, &str)]) -> Window {
        let root = root_with(before);
        let reader = CounterReader::below(root.path());
        let first = reader.read_at(Moment::from_nanos(0));
        put(root.path(), changes);
        first.until(&reader.read_at(Moment::from_nanos(10_000_000_000)))
    }

    /// The window in which ten seconds went by and these files changed beside.
    fn changed(changes: &[(&str, &str)]) -> Window {
        let mut changes = changes.to_vec();
        if !changes.iter().any(|(name, _)| *name == "proc/uptime") {
            changes.push(("proc/uptime", "1010.51 2.0\n"));
        }
        window(&BEFORE, &changes)
    }

    fn is(time: Option<Seconds>, expected: f64) -> bool {
        time.is_some_and(|time| (time.value() - expected).abs() < 1e-9)
    }

    #[test]
    fn nothing_happened_is_zero_and_nothing_shown_is_unknown() {
        let quiet = changed(&[]);
        let zero = Some(Seconds::ZERO);
        let expected = Window {
            steal: zero,
            foreign_cpu: zero,
            swapped: Some(Bytes::new(0)),
            memory_stall: zero,
            quota_stall: zero,
            thermal_throttles: Some(0),
            suspended: zero,
            on_battery: Some(false),
        };
        assert_eq!(quiet, expected);
        assert_eq!(window(&[], &[]), Window::default());
    }

    #[test]
    fn stolen_time_is_stolen_and_not_foreign_work() {
        let later = STAT.replace("30 20 40", "30 20 47");
        let window = changed(&[("proc/stat", &later)]);
        assert!(is(window.steal, 0.07) && is(window.foreign_cpu, 0.0), "{window:?}");
    }

    #[test]
    fn foreign_work_is_what_is_busy_beyond_this_process() {
        // 60 ticks more of user, of which 55 were a guest's and are counted once; 4 nice, 3 system, 2 and 1 interrupts;
        // 20 idle and 5 waiting are no work. Of the 70, this process had 12.
        let stat = "cpu  1060 204 303 9020 55 32 21 40 555 100\n";
        let own = OWN.replace(" 250 50 ", " 260 52 ");
        let window = changed(&[("proc/stat", stat), ("proc/self/stat", &own)]);
        assert!(is(window.foreign_cpu, 0.58), "{window:?}");
        // The two counters are rounded apart: a process can seem to have more than there was.
        let window = changed(&[("proc/self/stat", &own)]);
        assert!(is(window.foreign_cpu, 0.0), "{window:?}");
    }

    #[test]
    fn swapping_either_way_counts_in_bytes() {
        let window = changed(&[("proc/vmstat", "pswpin 13\npswpout 24\n")]);
        assert_eq!(window.swapped, Some(Bytes::new(7 * 4_096)));
    }

    #[test]
    fn memory_pressure_is_the_time_in_which_some_process_waited() {
        let window = changed(&[("proc/pressure/memory", "some avg10=9.0 total=6861457\nfull total=99\n")]);
        assert!(is(window.memory_stall, 0.1), "{window:?}");
    }

    #[test]
    fn the_group_that_held_back_longest_counts() {
        let window = changed(&[
            ("sys/fs/cgroup/outer/cpu.stat", "usage_usec 1\nthrottled_usec 251000\n"),
            ("sys/fs/cgroup/outer/inner/cpu.stat", "usage_usec 1\nthrottled_usec 6000\n"),
        ]);
        assert!(is(window.quota_stall, 0.25), "{window:?}");
    }

    #[test]
    fn heat_is_counted_in_events() {
        let counter = "sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count";
        assert_eq!(changed(&[(counter, "8\n")]).thermal_throttles, Some(5));
        assert_eq!(changed(&[(counter, "x\n")]).thermal_throttles, None);
    }

    #[test]
    fn a_suspended_machine_is_behind_by_more_than_a_second() {
        assert!(is(changed(&[("proc/uptime", "1310.50 2.0\n")]).suspended, 300.0));
        // Within a second the two clocks may differ by how they are read.
        assert!(is(changed(&[("proc/uptime", "1011.40 2.0\n")]).suspended, 0.0));
        assert!(is(changed(&[("proc/uptime", "1010.48 2.0\n")]).suspended, 0.0));
        assert_eq!(changed(&[("proc/uptime", "inf 2.0\n")]).suspended, None);
    }

    #[test]
    fn the_battery_counts_as_it_is_at_the_end() {
        let window = changed(&[("sys/class/power_supply/BAT0/status", "Discharging\n")]);
        assert_eq!(window.on_battery, Some(true));
    }

    #[test]
    fn a_counter_that_ran_backwards_or_stopped_being_one_is_unknown() {
        let window = changed(&[
            ("proc/stat", "cpu  1 2 3 4\n"),
            ("proc/vmstat", "pswpin 1\npswpout 20\n"),
            ("proc/pressure/memory", "some avg10=0.00\n"),
            ("sys/fs/cgroup/outer/cpu.stat", "throttled_usec 0\n"),
            ("sys/fs/cgroup/outer/inner/cpu.stat", "throttled_usec 0\n"),
        ]);
        assert_eq!((window.steal, window.foreign_cpu, window.swapped), (None, None, None));
        assert_eq!((window.memory_stall, window.quota_stall), (None, None));
        let own = changed(&[("proc/self/stat", "7 (x")]);
        assert_eq!((own.foreign_cpu, own.steal), (None, Some(Seconds::ZERO)));
    }

    #[test]
    fn a_scripted_window_comes_out_as_it_went_in() {
        let seconds = |value| Seconds::new(value).ok();
        let full = Window {
            steal: seconds(0.25),
            foreign_cpu: seconds(1.5),
            swapped: Some(Bytes::new(8_192)),
            memory_stall: seconds(0.125),
            quota_stall: seconds(0.5),
            thermal_throttles: Some(2),
            suspended: seconds(60.0),
            on_battery: Some(true),
        };
        let partial = Window { suspended: None, foreign_cpu: None, on_battery: None, ..full };
        for window in [full, partial, Window::default()] {
            let [before, after] = Counters::around(&window);
            assert_eq!(before.until(&after), window);
        }
    }

    #[test]
    fn the_counters_of_this_machine_can_be_read() {
        let reader = CounterReader::below(Path::new("/"));
        let (first, second) = (reader.read(), reader.read());
        let window = first.until(&second);
        if cfg!(target_os = "linux") {
            assert_eq!(window.suspended, Some(Seconds::ZERO));
            assert!(window.steal.is_some() && window.foreign_cpu.is_some(), "{window:?}");
        }
    }
}

//! A team of threads that works through one stage of a forward pass after the other.
//!
//! Between two stages lies a fraction of a microsecond: the workers wait for the next stage in a loop, and fall asleep only when
//! none comes for a while. Waking a sleeping pool for each product costs some ten microseconds, and a token has hundreds of
//! products.
//!
//! A stage is cut into many small parts, which the threads take from one counter: a core that is disturbed takes fewer. Each
//! part is a slice of its own, so the work on it is plain safe Rust.

use std::cell::UnsafeCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;

/// Rounds of waiting for a stage before a worker sleeps: some hundred microseconds, longer than what lies between two tokens.
const ROUNDS_BEFORE_SLEEP: u32 = 20_000;
/// Rounds of waiting for the others before a thread lets somebody else run: the one it waits for may need this core.
const ROUNDS_BEFORE_YIELD: u32 = 20_000;

/// Data that is cut into equal parts; the last one may be shorter.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Stretch {
    /// Items in all.
    pub(in crate::engine) len: usize,
    /// Items of a part, at least one.
    pub(in crate::engine) part: usize,
}

/// Where a part lies.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::engine) struct Place {
    /// Number of the stretch.
    pub(in crate::engine) stretch: usize,
    /// Its first item, counted from the beginning of the stretch.
    pub(in crate::engine) from: usize,
}

/// A part to work on.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Part {
    /// Where it lies.
    pub(in crate::engine) place: Place,
    /// The part that this thread will do next, so that it can fetch ahead.
    pub(in crate::engine) next: Option<Place>,
}

/// Threads that wait for work. The thread that owns the team is one of them.
pub(in crate::engine) struct Team {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    cuts: Cuts,
}

/// On a cache line of its own, or two where processors fetch them in pairs.
#[repr(align(128))]
#[derive(Default)]
struct Apart<T>(T);

type Job<'a> = dyn Fn(usize) + Sync + 'a;

#[derive(Default)]
struct Shared {
    /// Counts the stages.
    stage: Apart<AtomicUsize>,
    /// Workers that have not finished the present stage.
    running: Apart<AtomicUsize>,
    /// The next part of the present stage.
    part: Apart<AtomicUsize>,
    ends: AtomicBool,
    panicked: AtomicBool,
    /// What a stage does; set by the owner before it counts `stage` up.
    job: UnsafeCell<Option<&'static Job<'static>>>,
}

// SAFETY: all fields but `job` are atomic. `job` is written by the owner alone, while no worker runs (`running` is zero and the
// stage has not been counted up), and read by workers only after they saw the count, which orders the two.
unsafe impl Sync for Shared {}

impl Team {
    /// A team of `threads`, at least one, the caller included.
    pub(in crate::engine) fn new(threads: usize) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let mut team = Self { shared: Arc::clone(&shared), workers: Vec::new(), cuts: Cuts::default() };
        for number in 1..threads {
            let shared = Arc::clone(&shared);
            let worker = std::thread::Builder::new().name(format!("engine-{number}"));
            team.workers.push(worker.spawn(move || shared.work(number))?);
        }
        Ok(team)
    }

    /// Threads, the owner included.
    pub(in crate::engine) fn size(&self) -> usize {
        self.workers.len() + 1
    }

    /// Cuts `data` as `stretches` say, whose lengths sum to its own, and works on every part once. `locals` is what each thread has
    /// for itself, one per thread.
    pub(in crate::engine) fn work<T: Send, L: Send>(
        &mut self,
        data: &mut [T],
        stretches: &[Stretch],
        locals: &mut [L],
        work: impl Fn(Part, &mut [T], &mut L) + Sync,
    ) {
        assert!(locals.len() >= self.size(), "room for every thread");
        let mut cuts = std::mem::take(&mut self.cuts);
        cuts.renew(stretches);
        assert_eq!(cuts.items, data.len(), "the stretches cover the data");
        let (data, locals) = (Shareable(data.as_mut_ptr()), Shareable(locals.as_mut_ptr()));
        let counter = Arc::clone(&self.shared);
        let claim = || Some(counter.part.0.fetch_add(1, Ordering::Relaxed)).filter(|part| *part < cuts.parts);
        self.run(cuts.parts > 1, &|thread: usize| {
            // SAFETY: each thread has another number, below the size of the team and so below the number of locals, and runs
            // this closure once per stage; the borrow of `locals` outlives the stage.
            let local = unsafe { &mut *locals.at(thread) };
            let mut claimed = claim();
            while let Some(part) = claimed {
                claimed = claim();
                let (place, len) = cuts.place(part);
                let start = cuts.starts[place.stretch].1 + place.from;
                // SAFETY: parts of different numbers do not overlap and end before `cuts.items`, which is the length of `data`
                // (`Cuts::place`); the counter gives each number to one thread; the borrow of `data` outlives the stage.
                let items = unsafe { std::slice::from_raw_parts_mut(data.at(start), len) };
                work(Part { place, next: claimed.map(|part| cuts.place(part).0) }, items, local);
            }
        });
        self.cuts = cuts;
    }

    /// The same for two kinds of data that are cut into the same number of equal parts.
    pub(in crate::engine) fn work_both<A: Send, B: Send, L: Send>(
        &mut self,
        (first, first_part): (&mut [A], usize),
        (second, second_part): (&mut [B], usize),
        locals: &mut [L],
        work: impl Fn(usize, &mut [A], &mut [B], &mut L) + Sync,
    ) {
        assert!(locals.len() >= self.size(), "room for every thread");
        let parts = first.len() / first_part;
        assert!(parts * first_part == first.len() && parts * second_part == second.len(), "equal parts");
        let (first, second) = (Shareable(first.as_mut_ptr()), Shareable(second.as_mut_ptr()));
        let locals = Shareable(locals.as_mut_ptr());
        let counter = Arc::clone(&self.shared);
        self.run(parts > 1, &|thread: usize| {
            // SAFETY: as in `work`.
            let local = unsafe { &mut *locals.at(thread) };
            loop {
                let part = counter.part.0.fetch_add(1, Ordering::Relaxed);
                if part >= parts {
                    break;
                }
                // SAFETY: part `i` is items `i * size..(i + 1) * size`, within the data as `i < parts`; the counter gives each
                // number to one thread; the borrows outlive the stage.
                let (first, second) = unsafe {
                    (
                        std::slice::from_raw_parts_mut(first.at(part * first_part), first_part),
                        std::slice::from_raw_parts_mut(second.at(part * second_part), second_part),
                    )
                };
                work(part, first, second, local);
            }
        });
    }

    /// Runs `job` on every thread, or on this one alone; returns when all are done.
    fn run(&mut self, together: bool, job: &Job<'_>) {
        let shared = &*self.shared;
        shared.part.0.store(0, Ordering::Relaxed);
        if !together || self.workers.is_empty() {
            job(0);
            return;
        }
        // SAFETY: the lifetime is only claimed to be longer. `Wait` below does not let this function end, by a panic either,
        // before every worker is through with the job.
        let job: &'static Job<'static> =
            unsafe { std::mem::transmute::<&Job<'_>, &'static Job<'static>>(job) };
        // SAFETY: no worker reads it now: all have finished the stage before, and the next has not been counted.
        unsafe { *shared.job.get() = Some(job) };
        shared.running.0.store(self.workers.len(), Ordering::Relaxed);
        shared.stage.0.fetch_add(1, Ordering::Release);
        let wait = Wait(shared);
        for worker in &self.workers {
            worker.thread().unpark();
        }
        job(0);
        drop(wait);
        assert!(!shared.panicked.load(Ordering::Relaxed), "a thread of the engine panicked");
    }
}

/// Waits at the end of a stage.
struct Wait<'a>(&'a Shared);

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        let mut rounds = 0_u32;
        while self.0.running.0.load(Ordering::Acquire) > 0 {
            rounds += 1;
            if rounds < ROUNDS_BEFORE_YIELD { std::hint::spin_loop() } else { std::thread::yield_now() }
        }
    }
}

impl Shared {
    /// What a worker does all its life.
    fn work(&self, number: usize) {
        let mut seen = 0_usize;
        loop {
            let mut rounds = 0_u32;
            while self.stage.0.load(Ordering::Acquire) == seen {
                rounds += 1;
                if rounds < ROUNDS_BEFORE_SLEEP { std::hint::spin_loop() } else { std::thread::park() }
            }
            seen = seen.wrapping_add(1);
            if self.ends.load(Ordering::Acquire) {
                return;
            }
            // SAFETY: the owner set it before it counted the stage up, and does not touch it before `running` is zero.
            let job = unsafe { *self.job.get() };
            let job = job.expect("a stage has a job");
            if catch_unwind(AssertUnwindSafe(|| job(number))).is_err() {
                self.panicked.store(true, Ordering::Relaxed);
            }
            self.running.0.fetch_sub(1, Ordering::Release);
        }
    }
}

impl Drop for Team {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::Release);
        self.shared.stage.0.fetch_add(1, Ordering::Release);
        for worker in self.workers.drain(..) {
            worker.thread().unpark();
            // It catches the panics of jobs, so there is nothing to hear from it.
            let _ = worker.join();
        }
    }
}

impl std::fmt::Debug for Team {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a team of {}", self.size())
    }
}

/// A pointer that the threads of a stage share.
struct Shareable<T>(*mut T);

// SAFETY: it is a number; each use of what it points to has an argument of its own.
unsafe impl<T: Send> Sync for Shareable<T> {}

impl<T> Shareable<T> {
    fn at(&self, index: usize) -> *mut T {
        self.0.wrapping_add(index)
    }
}

/// How the data of a stage is cut.
#[derive(Debug, Default)]
struct Cuts {
    /// For each stretch the number of its first part, its first item, its length and the items of a part.
    starts: Vec<(usize, usize, Stretch)>,
    parts: usize,
    items: usize,
}

impl Cuts {
    fn renew(&mut self, stretches: &[Stretch]) {
        self.starts.clear();
        (self.parts, self.items) = (0, 0);
        for stretch in stretches {
            self.starts.push((self.parts, self.items, *stretch));
            self.parts += stretch.len.div_ceil(stretch.part);
            self.items += stretch.len;
        }
    }

    /// Where part `part`, below `self.parts`, lies, and how many items it has. Parts of one stretch follow each other, at
    /// multiples of its part and cut at its end; stretches follow each other: no two overlap.
    fn place(&self, part: usize) -> (Place, usize) {
        let stretch = self.starts.partition_point(|(first, ..)| *first <= part) - 1;
        // An empty stretch has no parts: the last of those with the same first part is the one that has it.
        let (first, _, Stretch { len, part: size }) = self.starts[stretch];
        let from = (part - first) * size;
        (Place { stretch, from }, size.min(len - from))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_worked_on_once_whatever_the_cuts() {
        for threads in [1, 2, 5] {
            let mut team = Team::new(threads).unwrap();
            let mut locals = vec![0_usize; threads];
            for stretches in [vec![(10, 3)], vec![(0, 1), (7, 2), (0, 4), (1, 5), (100, 1)], vec![]] {
                let stretches: Vec<Stretch> =
                    stretches.into_iter().map(|(len, part)| Stretch { len, part }).collect();
                let mut data = vec![0_u32; stretches.iter().map(|stretch| stretch.len).sum()];
                for round in 1..200_u32 {
                    team.work(&mut data, &stretches, &mut locals, |part, items, local| {
                        assert!(items.len() <= stretches[part.place.stretch].part);
                        assert_ne!(Some(part.place), part.next);
                        for item in items.iter_mut() {
                            *item += 1;
                        }
                        *local += items.len();
                    });
                    assert!(data.iter().all(|item| *item == round), "{data:?}");
                }
            }
            assert_eq!(locals.iter().sum::<usize>(), 199 * (10 + 108));
        }
    }

    #[test]
    fn two_slices_are_cut_alike() {
        let mut team = Team::new(3).unwrap();
        let (mut first, mut second) = (vec![0; 12], vec![0; 30]);
        team.work_both((&mut first, 2), (&mut second, 5), &mut [(); 3], |part, first, second, ()| {
            first.fill(part);
            second.fill(part);
        });
        assert_eq!((first[11], second[29], first[4], second[10]), (5, 5, 2, 2));
    }

    #[test]
    fn a_panic_in_a_part_reaches_the_owner_after_all_have_stopped() {
        let mut team = Team::new(4).unwrap();
        let mut data = vec![0; 64];
        let stretches = [Stretch { len: 64, part: 1 }];
        let caught = catch_unwind(AssertUnwindSafe(|| {
            team.work(&mut data, &stretches, &mut [(); 4], |part, _, ()| {
                assert!(part.place.from < 10, "stop");
            });
        }));
        assert!(caught.is_err());
    }
}

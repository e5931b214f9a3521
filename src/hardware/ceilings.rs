//! What a device was seen to do at its best: the rates that a roofline divides by. Data and rules; `engine` measures them.

use super::machine::Device;
use crate::units::{Bytes, BytesPerSecond, FlopPerSecond, index_as_u64};

/// Version of the kernels and of the rule that picks sizes and passes. A change that can move a rate raises it, and rates
/// that were kept from another version are measured again.
pub const CEILING_KERNELS: u32 = 3;

/// After so many seconds kept rates are measured again: 30 days. Drivers, firmware and neighbours change.
const STALE_AFTER_SECONDS: i64 = 30 * 24 * 3_600;

/// A way to read memory that was tried.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ReadMethod {
    /// A wrapping sum of 32-bit whole numbers, one stream per thread.
    Words,
    /// The same with two streams per thread, one from the start and one from the middle.
    WordsTwoStreams,
    /// The same with four streams.
    WordsFourStreams,
    /// A sum of 32-bit floats in 32 lanes, one stream per thread.
    Floats,
    /// candle's sum over a whole tensor of 32-bit floats.
    TensorSum,
    /// candle's sum over each row of a matrix of 32-bit floats.
    RowSums,
    /// candle's product of a vector with a matrix of 32-bit floats.
    VectorF32,
    /// The same in 16-bit floats of IEEE 754.
    VectorF16,
    /// The same in 16-bit floats with the exponent of 32-bit ones.
    VectorBf16,
}

impl ReadMethod {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Words,
        Self::WordsTwoStreams,
        Self::WordsFourStreams,
        Self::Floats,
        Self::TensorSum,
        Self::RowSums,
        Self::VectorF32,
        Self::VectorF16,
        Self::VectorBf16,
    ];

    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::WordsTwoStreams => "words-two-streams",
            Self::WordsFourStreams => "words-four-streams",
            Self::Floats => "floats",
            Self::TensorSum => "tensor-sum",
            Self::RowSums => "row-sums",
            Self::VectorF32 => "vector-f32",
            Self::VectorF16 => "vector-f16",
            Self::VectorBf16 => "vector-bf16",
        }
    }

    /// The method with this [`Self::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.id() == id)
    }
}

/// What the values of a matrix are stored as while it is multiplied.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum MatrixPrecision {
    /// 32-bit floats.
    F32,
    /// 16-bit floats of IEEE 754.
    F16,
    /// 16-bit floats with the exponent of 32-bit ones.
    BF16,
    /// 4-bit blocks of 256.
    Q4K,
    /// 6-bit blocks of 256.
    Q6K,
    /// 8-bit blocks of 32.
    Q8_0,
}

impl MatrixPrecision {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::F32, Self::F16, Self::BF16, Self::Q4K, Self::Q6K, Self::Q8_0];

    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::Q4K => "q4_k",
            Self::Q6K => "q6_k",
            Self::Q8_0 => "q8_0",
        }
    }

    /// The precision with this [`Self::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|precision| precision.id() == id)
    }
}

/// A way to multiply matrices that was tried.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum ProductMethod {
    /// candle's product of two square matrices of plain floats.
    Square,
    /// The engine's own product of 32-bit activations with weights as a checkpoint stores them.
    Stored,
}

impl ProductMethod {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Square, Self::Stored];

    /// The name used in files.
    pub const fn id(self) -> &'static str {
        match self {
            Self::Square => "square",
            Self::Stored => "stored",
        }
    }

    /// The method with this [`Self::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.id() == id)
    }
}

/// How fast memory was read in one way: the bytes of the working set over the shortest pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ReadRate {
    /// The way.
    pub method: ReadMethod,
    /// Threads that read; those of the library for candle's methods, and `None` on a card.
    pub threads: Option<u64>,
    /// Bytes that a pass reads, each once.
    pub working_set: Bytes,
    /// Passes that were timed.
    pub passes: u64,
    /// Bytes of a pass over the shortest time of one.
    pub rate: BytesPerSecond,
}

/// How fast matrices were multiplied in one way: `2 m n k` operations over the shortest pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MatrixRate {
    /// How the matrix was stored.
    pub precision: MatrixPrecision,
    /// The way.
    pub method: ProductMethod,
    /// Rows of the activations (`m`), rows of the matrix (`n`) and columns of both (`k`).
    pub sizes: [u64; 3],
    /// Passes that were timed.
    pub passes: u64,
    /// Operations of a pass over the shortest time of one.
    pub rate: FlopPerSecond,
}

/// A way that was not tried, or failed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotTried {
    /// Its name.
    pub what: String,
    /// Why, in English.
    pub reason: String,
}

/// The rates of one device. Every way that was tried is kept; the fastest is the ceiling.
#[derive(Clone, Debug, PartialEq)]
pub struct Ceilings {
    /// The device.
    pub device: Device,
    /// [`CEILING_KERNELS`] of the program that measured.
    pub kernels: u32,
    /// `release` or `debug`; the rates of a debug build mean nothing.
    pub profile: String,
    /// When any of the rates was measured last, in seconds of the Unix epoch (UTC).
    pub measured_unix_seconds: i64,
    /// When the oldest of the rates was measured: a better rate of an earlier measurement may have been kept.
    pub oldest_unix_seconds: i64,
    /// Ways to read memory.
    pub reads: Vec<ReadRate>,
    /// Ways to multiply matrices.
    pub products: Vec<MatrixRate>,
    /// Ways that were left out, and why.
    pub not_tried: Vec<NotTried>,
}

impl Ceilings {
    /// The fastest reading, which is the device's read bandwidth as far as it was seen.
    pub fn read(&self) -> Option<&ReadRate> {
        fastest(&self.reads, |read| read.rate.value())
    }

    /// The fastest product among matrices of these precisions.
    pub fn product(&self, precisions: &[MatrixPrecision]) -> Option<&MatrixRate> {
        let fitting = self.products.iter().filter(|product| precisions.contains(&product.precision));
        fastest(fitting, |product| product.rate.value())
    }

    /// True for the rates of an optimised build.
    pub fn is_optimised(&self) -> bool {
        self.profile == "release"
    }

    /// True if they can stand for a measurement of `device` now by this program in this profile.
    pub fn stands_for(&self, device: &Device, profile: &str, now_unix_seconds: i64) -> bool {
        let age = now_unix_seconds.saturating_sub(self.oldest_unix_seconds);
        self.device == *device
            && self.kernels == CEILING_KERNELS
            && self.profile == profile
            && self.read().is_some()
            && (0..STALE_AFTER_SECONDS).contains(&age)
    }

    /// These rates, but of each way the better of both: whatever disturbs a measurement makes it slower, so the faster one is
    /// nearer to the ceiling. `earlier` must [stand for](Self::stands_for) a measurement of the same device.
    #[must_use]
    pub fn or_better(mut self, earlier: &Self) -> Self {
        let mut is_kept = false;
        for kept in &earlier.reads {
            let same = |own: &&mut ReadRate| (own.method, own.threads) == (kept.method, kept.threads);
            is_kept |= keep(self.reads.iter_mut().find(same), kept, |rate| rate.rate.value());
        }
        for kept in &earlier.products {
            let same = |own: &&mut MatrixRate| (own.method, own.precision) == (kept.method, kept.precision);
            is_kept |= keep(self.products.iter_mut().find(same), kept, |rate| rate.rate.value());
        }
        if is_kept {
            self.oldest_unix_seconds = self.oldest_unix_seconds.min(earlier.oldest_unix_seconds);
        }
        self
    }

    /// How many ways were tried.
    pub fn tried(&self) -> u64 {
        index_as_u64(self.reads.len() + self.products.len())
    }
}

/// Puts `kept` in the place of a slower rate of the same way; true if it did. A way that was not measured anew is left out.
fn keep<T: Copy>(own: Option<&mut T>, kept: &T, rate: impl Fn(&T) -> f64) -> bool {
    match own {
        Some(own) if rate(kept) > rate(own) => {
            *own = *kept;
            true
        }
        _ => false,
    }
}

fn fastest<'a, T: 'a>(all: impl IntoIterator<Item = &'a T>, rate: impl Fn(&T) -> f64) -> Option<&'a T> {
    all.into_iter().max_by(|a, b| rate(a).total_cmp(&rate(b)))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Rates of two processors, with every kind of field filled: 40 GB/s and 400 GFLOP/s at the best.
    pub(crate) fn example() -> Ceilings {
        let read = |method, threads, rate| ReadRate {
            method,
            threads: Some(threads),
            working_set: Bytes::new(512_000_000),
            passes: 6,
            rate: BytesPerSecond::new(rate).unwrap(),
        };
        let product = |precision, method, sizes, rate| MatrixRate {
            precision,
            method,
            sizes,
            passes: 3,
            rate: FlopPerSecond::new(rate).unwrap(),
        };
        Ceilings {
            device: Device::Cpu { threads: 2 },
            kernels: CEILING_KERNELS,
            profile: "release".into(),
            measured_unix_seconds: 1_795_232_000,
            oldest_unix_seconds: 1_795_230_000,
            reads: vec![
                read(ReadMethod::Words, 1, 3e10),
                read(ReadMethod::WordsTwoStreams, 2, 4e10),
                read(ReadMethod::TensorSum, 2, 1e10),
            ],
            products: vec![
                product(MatrixPrecision::F32, ProductMethod::Square, [2_048; 3], 2e11),
                product(MatrixPrecision::Q4K, ProductMethod::Stored, [256, 2_048, 2_048], 4e11),
                product(MatrixPrecision::Q8_0, ProductMethod::Stored, [256, 2_048, 2_048], 5e10),
            ],
            not_tried: vec![NotTried { what: "vector-bf16".into(), reason: "a test".into() }],
        }
    }

    fn seconds_later(ceilings: &Ceilings, seconds: i64) -> bool {
        ceilings.stands_for(&Device::Cpu { threads: 2 }, "release", ceilings.oldest_unix_seconds + seconds)
    }

    #[test]
    fn the_fastest_way_is_the_ceiling() {
        let ceilings = example();
        assert_eq!(ceilings.read().unwrap().method, ReadMethod::WordsTwoStreams);
        let best = |precisions: &[MatrixPrecision]| ceilings.product(precisions).map(|p| p.precision);
        assert_eq!(best(&MatrixPrecision::ALL), Some(MatrixPrecision::Q4K));
        assert_eq!(best(&[MatrixPrecision::BF16, MatrixPrecision::F32]), Some(MatrixPrecision::F32));
        assert_eq!(best(&[MatrixPrecision::BF16]), None);
        assert_eq!(Ceilings { reads: vec![], ..example() }.read(), None);
    }

    #[test]
    fn kept_rates_stand_for_the_same_device_kernels_and_build_for_thirty_days() {
        let kept = example();
        assert!(seconds_later(&kept, 0) && seconds_later(&kept, 30 * 24 * 3_600 - 1));
        assert!(!seconds_later(&kept, 30 * 24 * 3_600), "stale");
        assert!(!seconds_later(&kept, -1), "from the future");
        let now = kept.oldest_unix_seconds;
        assert!(!kept.stands_for(&Device::Cpu { threads: 4 }, "release", now));
        assert!(!kept.stands_for(&Device::Cpu { threads: 2 }, "debug", now));
        assert!(!seconds_later(&Ceilings { kernels: CEILING_KERNELS + 1, ..example() }, 0));
        assert!(!seconds_later(&Ceilings { reads: vec![], ..example() }, 0), "nothing was measured");
    }

    #[test]
    fn the_better_of_two_rates_is_kept_with_its_age() {
        let earlier = example();
        let mut now = Ceilings { measured_unix_seconds: 9, oldest_unix_seconds: 1_795_232_500, ..example() };
        now.reads[0].rate = BytesPerSecond::new(5e10).unwrap();
        now.reads.remove(2);
        let same = now.clone().or_better(&Ceilings { oldest_unix_seconds: 1, ..now.clone() });
        assert_eq!(same, now, "nothing was kept, so nothing is old");
        now.products[1].rate = FlopPerSecond::new(1e11).unwrap();
        let both = now.or_better(&earlier);
        assert!((both.read().unwrap().rate.value() - 5e10).abs() < 1.0);
        assert_eq!(both.products, earlier.products);
        assert_eq!((both.measured_unix_seconds, both.oldest_unix_seconds), (9, 1_795_230_000));
        assert_eq!(both.tried(), 5, "a way that was not tried anew is gone");
    }

    #[test]
    fn names_read_back() {
        assert!(ReadMethod::ALL.iter().all(|method| ReadMethod::from_id(method.id()) == Some(*method)));
        let all = MatrixPrecision::ALL;
        assert!(all.iter().all(|precision| MatrixPrecision::from_id(precision.id()) == Some(*precision)));
        assert!(ProductMethod::ALL.iter().all(|method| ProductMethod::from_id(method.id()) == Some(*method)));
        assert_eq!((ReadMethod::from_id("x"), MatrixPrecision::from_id("x")), (None, None));
    }
}

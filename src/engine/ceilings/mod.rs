//! Measures what a device does at its best, in seconds: how fast it reads memory, and how fast it multiplies matrices.
//!
//! Several ways are tried and the fastest counts, since whatever disturbs a pass makes it slower and never faster. All ways
//! are kept in the result, and so are those that were left out, with the reason.

mod host;
mod products;
mod tensors;
mod timing;

use super::ComputeDevice;
use crate::clock::Clock;
use crate::hardware::{CEILING_KERNELS, Ceilings, Device, NotTried};
use crate::provenance;
use crate::units::{Bytes, Seconds, count_as_usize};
use timing::{Passes, Stopwatch};

/// Bytes that are read on a processor, where its last-level cache does not ask for more.
const HOST_WORKING_SET: u64 = 512_000_000;
/// The same on a card, which reads a hundred times as fast.
const CARD_WORKING_SET: u64 = 2_000_000_000;
/// A working set is at least so many times as large as the last-level cache, as the rules of STREAM ask.
const CACHES_PER_WORKING_SET: u64 = 4;
/// What matrices and the library take beside it.
const ROOM: u64 = 400_000_000;

/// Why there are no ceilings.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum CeilingsError {
    /// Rates of a debug build mean nothing.
    #[error("this is a build without optimisation, whose rates mean nothing; use a release build")]
    NotOptimised,
    /// Less memory is free than a working set takes that no cache can hold.
    #[error(
        "reading {:.1} GB past the caches needs {:.1} GB of memory, and {:.1} GB are free; close other programs",
        .working_set.as_f64() / 1e9, .needed.as_f64() / 1e9, .free.as_f64() / 1e9
    )]
    Memory {
        /// Bytes that would be read.
        working_set: Bytes,
        /// Needed for it and for the matrices.
        needed: Bytes,
        /// Free now.
        free: Bytes,
    },
    /// The device failed before anything was measured.
    #[error("the device failed: {0}")]
    Device(String),
}

/// How much work a measurement does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Effort {
    /// Bytes of a pass of reading.
    working_set: Bytes,
    /// Rounds through all ways to read on the processor, each of a few passes.
    rounds: u64,
    /// Rows of the smallest and of the largest square matrix.
    squares: [usize; 2],
    /// Rows and columns of a matrix that is stored in blocks.
    stored: usize,
}

impl Effort {
    /// For a device whose last-level cache has this size, where it is known.
    fn of(device: &Device, cache: Option<Bytes>) -> Self {
        let (usual, squares, stored) = match device {
            Device::Cpu { .. } => (HOST_WORKING_SET, [1_024, 4_096], 2_048),
            Device::Cuda { .. } => (CARD_WORKING_SET, [2_048, 8_192], 8_192),
        };
        let beyond = cache.map_or(0, |cache| cache.count().saturating_mul(CACHES_PER_WORKING_SET));
        Self { working_set: Bytes::new(usual.max(beyond)), rounds: 2, squares, stored }
    }

    fn check_memory(self, free: Option<Bytes>) -> Result<(), CeilingsError> {
        let needed = Bytes::new(self.working_set.count().saturating_add(ROOM));
        match free {
            Some(free) if free < needed => {
                Err(CeilingsError::Memory { working_set: self.working_set, needed, free })
            }
            _ => Ok(()),
        }
    }

    /// 32-bit floats of the working set.
    fn floats(self) -> usize {
        count_as_usize(self.working_set.count()) / size_of::<f32>()
    }
}

impl ComputeDevice {
    /// Measures its ceilings: about three seconds on two processors. `cache` is the size of the last-level cache, where it is
    /// known; the working set is at least four times as large.
    pub fn measure_ceilings(
        &self,
        clock: &dyn Clock,
        cache: Option<Bytes>,
    ) -> Result<Ceilings, CeilingsError> {
        if provenance::profile() != "release" {
            return Err(CeilingsError::NotOptimised);
        }
        let effort = Effort::of(self.device(), cache);
        effort.check_memory(self.free_memory())?;
        measure(self, clock, effort, Passes::usual())
    }
}

fn measure(
    device: &ComputeDevice,
    clock: &dyn Clock,
    effort: Effort,
    passes: Passes,
) -> Result<Ceilings, CeilingsError> {
    let threads = match device.device() {
        Device::Cpu { threads } => count_as_usize(*threads),
        Device::Cuda { .. } => 1,
    };
    let watch = Stopwatch { clock, device: &device.candle, threads, passes };
    let (mut reads, mut not_tried) = (Vec::new(), Vec::new());
    let tensor = match device.device() {
        Device::Cpu { threads } => {
            let (rates, left_out, values) = host::read_rates(clock, effort, *threads);
            reads.extend(rates);
            not_tried.extend(left_out);
            tensors::from_host(values)
        }
        Device::Cuda { .. } => tensors::on_card(effort.floats(), &device.candle),
    };
    let tensor = tensor.map_err(|error| CeilingsError::Device(first_line(&error)))?;
    let (rates, left_out) = tensors::read_rates(&watch, &tensor, device.device());
    drop(tensor);
    reads.extend(rates);
    not_tried.extend(left_out);
    let (products, left_out) = products::rates(&watch, effort);
    not_tried.extend(left_out);
    let now = clock.unix_seconds();
    Ok(Ceilings {
        device: device.device().clone(),
        kernels: CEILING_KERNELS,
        profile: provenance::profile().to_owned(),
        measured_unix_seconds: now,
        oldest_unix_seconds: now,
        reads,
        products,
        not_tried,
    })
}

/// Values between 1 and 2 that differ from place to place: no sum of them is subnormal or infinite, and no page is all zeros.
fn value_at(index: usize) -> f32 {
    let bits = u32::try_from(index & 0x7f_ffff).expect("23 bits");
    f32::from_bits(0x3f80_0000 | bits)
}

fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

fn not_tried(what: impl Into<String>, reason: impl Into<String>) -> NotTried {
    NotTried { what: what.into(), reason: reason.into() }
}

/// The time of a pass, or `None` where the clock is too coarse to tell it from nothing.
fn positive(time: Seconds) -> Option<Seconds> {
    (time > Seconds::ZERO).then_some(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{ScriptedClock, SystemClock};
    use crate::hardware::{MatrixPrecision, ProductMethod, ReadMethod};
    use crate::workload::DeviceChoice;

    fn tiny() -> Effort {
        Effort { working_set: Bytes::new(1 << 20), rounds: 1, squares: [32, 64], stored: 256 }
    }

    #[test]
    fn every_way_is_measured_or_says_why_not() {
        let device = ComputeDevice::open(DeviceChoice::Cpu).unwrap();
        let ceilings = measure(&device, &SystemClock::new(), tiny(), Passes::tiny()).unwrap();
        for method in ReadMethod::ALL {
            let tried = ceilings.reads.iter().any(|read| read.method == method);
            let left_out = ceilings.not_tried.iter().any(|left| left.what == method.id());
            assert!(tried != left_out, "{}", method.id());
        }
        for precision in MatrixPrecision::ALL {
            assert!(ceilings.product(&[precision]).is_some(), "{}", precision.id());
        }
        let stored = ceilings.products.iter().filter(|product| product.method == ProductMethod::Stored);
        assert_eq!(stored.count(), 5, "{:?}", ceilings.not_tried);
        assert!(ceilings.reads.iter().all(|read| read.rate.value() > 0.0));
        assert_eq!(ceilings.read().map(|read| read.working_set), Some(Bytes::new(1 << 20)));
    }

    #[test]
    fn a_clock_that_stands_still_gives_no_rate() {
        let device = ComputeDevice::open(DeviceChoice::Cpu).unwrap();
        let ceilings = measure(&device, &ScriptedClock::new([], 0, 7), tiny(), Passes::tiny()).unwrap();
        assert_eq!((ceilings.reads, ceilings.products), (vec![], vec![]));
        assert_eq!((ceilings.measured_unix_seconds, ceilings.not_tried.len()), (7, 17));
    }

    #[test]
    fn the_working_set_is_larger_than_any_cache_or_nothing_is_measured() {
        let cpu = Device::Cpu { threads: 2 };
        let bytes = |cache| Effort::of(&cpu, cache).working_set.count();
        assert_eq!(bytes(None), 512_000_000);
        assert_eq!(bytes(Some(Bytes::new(32 << 20))), 512_000_000);
        assert_eq!(bytes(Some(Bytes::new(256 << 20))), 1 << 30);
        let effort = Effort::of(&cpu, None);
        assert_eq!(effort.check_memory(None), Ok(()), "unknown is no reason");
        assert_eq!(effort.check_memory(Some(Bytes::new(912_000_000))), Ok(()));
        let error = effort.check_memory(Some(Bytes::new(900_000_000))).unwrap_err().to_string();
        assert_eq!(
            error,
            "reading 0.5 GB past the caches needs 0.9 GB of memory, and 0.9 GB are free; close other programs"
        );
        assert!(Effort::of(&cpu, Some(Bytes::new(u64::MAX))).check_memory(Some(Bytes::new(1))).is_err());
    }

    #[cfg(debug_assertions)]
    #[test]
    fn a_build_without_optimisation_measures_nothing() {
        let device = ComputeDevice::open(DeviceChoice::Cpu).unwrap();
        let error = device.measure_ceilings(&SystemClock::new(), None).unwrap_err();
        assert_eq!(error, CeilingsError::NotOptimised);
    }
}

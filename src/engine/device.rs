//! From a device somebody asked for to the device that answers.

use candle_core::Device as CandleDevice;

use super::EngineError;
use crate::hardware::{Device, Gpu};
use crate::units::{Bytes, index_as_u64};
use crate::workload::DeviceChoice;

/// A device that was asked for and does not answer.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DeviceError {
    /// This build has no CUDA.
    #[error("this build has no CUDA support; build with `--features cuda`, or use --device cpu")]
    NotCompiled,
    /// The driver gives no such device.
    #[error("CUDA device {index} does not answer: {problem}; see `nvidia-smi`, or use --device cpu")]
    Silent {
        /// The number asked for.
        index: u32,
        /// What the driver said.
        problem: String,
    },
}

/// The device a run computes on.
#[derive(Clone, Debug)]
pub struct ComputeDevice {
    pub(super) candle: CandleDevice,
    device: Device,
    gpu: Option<Gpu>,
    note: Option<String>,
}

impl ComputeDevice {
    /// Opens the device. `auto` falls back to the CPU, and [`Self::note`] then says why.
    pub fn open(choice: DeviceChoice) -> Result<Self, DeviceError> {
        match choice {
            DeviceChoice::Cpu => Ok(Self::cpu(None)),
            DeviceChoice::Cuda(index) => open_cuda(index),
            DeviceChoice::Auto => match open_cuda(0) {
                Ok(device) => Ok(device),
                Err(DeviceError::NotCompiled) => Ok(Self::cpu(None)),
                Err(silent) => Ok(Self::cpu(Some(format!("running on the CPU: {silent}")))),
            },
        }
    }

    fn cpu(note: Option<String>) -> Self {
        let threads = crate::hardware::threads_to_compute_with();
        Self { candle: CandleDevice::Cpu, device: Device::Cpu { threads }, gpu: None, note }
    }

    /// The device as data.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The same as candle's own products use it: on a processor with as many threads as they take.
    pub(super) fn device_of_candle(&self) -> Device {
        match &self.device {
            Device::Cpu { .. } => {
                Device::Cpu { threads: index_as_u64(candle_core::utils::get_num_threads()) }
            }
            card @ Device::Cuda { .. } => card.clone(),
        }
    }

    /// The card, if it is one.
    pub fn gpu(&self) -> Option<&Gpu> {
        self.gpu.as_ref()
    }

    /// What the user must know of the choice.
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Free memory where the weights go; `None` where the system does not tell.
    pub fn free_memory(&self) -> Option<Bytes> {
        match self.device {
            Device::Cpu { .. } => crate::hardware::available_memory(),
            Device::Cuda { .. } => cuda_memory(&self.candle).map(|(free, _)| free),
        }
    }

    /// Refuses what needs more memory than is free.
    pub(super) fn check_memory(&self, needed: Bytes) -> Result<(), EngineError> {
        let place = if self.candle.is_cuda() { "device" } else { "main" };
        match self.free_memory() {
            Some(free) if free < needed => Err(EngineError::Memory { needed, free, place }),
            _ => Ok(()),
        }
    }

    /// Memory in use on the card; `None` on the CPU.
    pub fn memory_in_use(&self) -> Option<Bytes> {
        match self.device {
            Device::Cpu { .. } => None,
            Device::Cuda { .. } => cuda_memory(&self.candle)
                .map(|(free, total)| Bytes::new(total.count().saturating_sub(free.count()))),
        }
    }
}

#[cfg(not(feature = "cuda"))]
fn open_cuda(_index: u32) -> Result<ComputeDevice, DeviceError> {
    Err(DeviceError::NotCompiled)
}

#[cfg(not(feature = "cuda"))]
fn cuda_memory(_device: &CandleDevice) -> Option<(Bytes, Bytes)> {
    None
}

#[cfg(feature = "cuda")]
fn open_cuda(index: u32) -> Result<ComputeDevice, DeviceError> {
    let silent = |problem: String| DeviceError::Silent { index, problem };
    // cudarc panics, rather than fails, where the driver's library is absent altogether.
    let opened =
        std::panic::catch_unwind(|| CandleDevice::new_cuda(crate::units::count_as_usize(index.into())));
    let candle = match opened {
        Ok(Ok(device)) => device,
        Ok(Err(error)) => return Err(silent(first_line(&error.to_string()))),
        Err(_) => return Err(silent("the NVIDIA driver is not installed".to_owned())),
    };
    let cuda = candle.as_cuda_device().map_err(|error| silent(first_line(&error.to_string())))?;
    let context = cuda.cuda_stream().context().clone();
    let name = context.name().map_err(|error| silent(format!("{error:?}")))?;
    let compute_capability =
        context.compute_capability().map(|(major, minor)| format!("{major}.{minor}")).unwrap_or_default();
    let memory = cuda_memory(&candle).map(|(_, total)| total).unwrap_or_default();
    Ok(ComputeDevice {
        device: Device::Cuda { index, name: name.clone() },
        gpu: Some(Gpu { name, memory, compute_capability }),
        note: None,
        candle,
    })
}

#[cfg(feature = "cuda")]
fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

/// Free and total memory of the card.
#[cfg(feature = "cuda")]
fn cuda_memory(device: &CandleDevice) -> Option<(Bytes, Bytes)> {
    let stream = device.as_cuda_device().ok()?.cuda_stream();
    let (free, total) = stream.context().mem_get_info().ok()?;
    Some((Bytes::new(index_as_u64(free)), Bytes::new(index_as_u64(total))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn auto_always_finds_a_device() {
        let device = ComputeDevice::open(DeviceChoice::Auto).unwrap();
        assert!(matches!(device.device(), Device::Cpu { .. } | Device::Cuda { .. }));
        assert!(device.free_memory().is_some());
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_build_without_cuda_says_so() {
        let error = ComputeDevice::open(DeviceChoice::Cuda(0)).unwrap_err();
        assert_eq!(error, DeviceError::NotCompiled);
    }
}

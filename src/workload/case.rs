//! A case: one model in one precision under one workload on one device.

use std::fmt;

use super::spec::Workload;
use crate::model::{ModelSpec, Precision};

/// The device somebody asked for. What answered is recorded apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum DeviceChoice {
    /// The best device that answers: a CUDA device if this build has the feature and one is there, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The CUDA device with this number.
    Cuda(u32),
}

impl DeviceChoice {
    /// Reads `auto`, `cpu`, `cuda` or `cuda:N`.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(0)),
            _ => text
                .strip_prefix("cuda:")
                .and_then(|number| number.parse().ok())
                .map(Self::Cuda)
                .ok_or_else(|| format!("`{text}` is not a device; write auto, cpu, cuda or cuda:N")),
        }
    }
}

impl fmt::Display for DeviceChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

/// A case's name: `model/precision/workload`.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct CaseId(String);

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What one row of a run measures. With which engine, the row says; the device is the run's.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The model.
    pub model: ModelSpec,
    /// How its weights are stored.
    pub precision: Precision,
    /// What is asked of it.
    pub workload: Workload,
}

impl Case {
    /// The case's name.
    pub fn id(&self) -> CaseId {
        CaseId(format!("{}/{}/{}", self.model.id, self.precision.id(), self.workload.id))
    }

    /// True if both are measured with the same checkpoint.
    pub fn shares_checkpoint(&self, other: &Self) -> bool {
        self.model.id == other.model.id && self.precision == other.precision
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_read_back_as_they_print() {
        for choice in [DeviceChoice::Auto, DeviceChoice::Cpu, DeviceChoice::Cuda(3)] {
            assert_eq!(DeviceChoice::parse(&choice.to_string()), Ok(choice));
        }
        assert_eq!(DeviceChoice::parse("cuda"), Ok(DeviceChoice::Cuda(0)));
    }

    #[test]
    fn an_unknown_device_says_what_is_known() {
        let error = DeviceChoice::parse("gpu").unwrap_err();
        assert_eq!(error, "`gpu` is not a device; write auto, cpu, cuda or cuda:N");
    }
}

//! The machine as data (pure), and its readers.
//!
//! No host name, user name, serial number, UUID or path is ever read into these types.

mod ceilings;
mod condition;
mod machine;
mod reader;
mod window;

#[cfg(test)]
pub(crate) use ceilings::tests::example as example_ceilings;
#[cfg(test)]
pub(crate) use machine::tests::example as example_machine;

pub use ceilings::{
    CEILING_KERNELS, Ceilings, MatrixPrecision, MatrixRate, NotTried, ProductMethod, ReadMethod, ReadRate,
};
pub use condition::{Condition, PowerSource, RaplAccess};
pub use machine::{Device, Environment, Gpu, Machine, MachineId};
pub use reader::{ProcessProbe, ProcessUsage, ScriptedProbe, SystemReader, available_memory, logical_cpus};
pub use window::Window;

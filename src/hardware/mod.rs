//! The machine as data (pure), and its readers.
//!
//! No host name, user name, serial number, UUID or path is ever read into these types.

mod ceilings;
mod condition;
mod control_groups;
mod counters;
mod environment;
mod files;
mod label;
mod machine;
mod memory_class;
mod power;
mod probe;
mod reader;
mod topology;
mod window;

#[cfg(test)]
pub(crate) use ceilings::tests::example as example_ceilings;
#[cfg(test)]
pub(crate) use machine::tests::example as example_machine;

pub use ceilings::{
    CEILING_KERNELS, Ceilings, MatrixPrecision, MatrixRate, NotTried, ProductMethod, ReadMethod, ReadRate,
};
pub use condition::{Condition, RaplAccess};
pub use counters::{CounterReader, Counters};
pub use environment::{Environment, clock_step};
pub use label::{Label, LabelError};
pub use machine::{Device, Gpu, Machine, MachineId};
pub use power::PowerSource;
pub use probe::{ProcessProbe, ProcessUsage, ScriptedProbe};
pub use reader::{
    SystemReader, available_memory, available_memory_below, logical_cpus, threads_to_compute_with,
};
pub use topology::{Cache, CacheKind};
pub use window::Window;

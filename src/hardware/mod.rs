//! The machine as data (pure), and its readers.
//!
//! No host name, user name, serial number, UUID or path is ever read into these types.

mod machine;
mod reader;

pub use machine::{Device, Environment, Gpu, Machine, MachineId};
pub use reader::{ProcessProbe, ProcessUsage, SystemReader, available_memory};

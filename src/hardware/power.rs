//! Mains or battery.

use std::path::{Path, PathBuf};

use super::files::{entries, trimmed};

/// What the machine draws its power from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum PowerSource {
    /// The system lists no battery of its own.
    NoBattery,
    /// A battery that is not being drained.
    Mains,
    /// A battery that is being drained.
    Battery,
}

/// The machine's own batteries; `None` where the system lists no supplies at all.
pub(super) fn batteries(root: &Path) -> Option<Vec<PathBuf>> {
    let folder = root.join("sys/class/power_supply");
    // Mice and pens list their batteries here too; they say that their scope is a device.
    let is_own_battery = |supply: &PathBuf| {
        trimmed(&supply.join("type")).as_deref() == Some("Battery")
            && trimmed(&supply.join("scope")).as_deref() != Some("Device")
    };
    folder.is_dir().then(|| entries(&folder).into_iter().filter(is_own_battery).collect())
}

/// True if one of the batteries is being drained.
pub(super) fn drains(batteries: &[PathBuf]) -> bool {
    batteries.iter().any(|battery| trimmed(&battery.join("status")).as_deref() == Some("Discharging"))
}

/// `None` where the system lists no supplies at all.
pub(super) fn power_source(root: &Path) -> Option<PowerSource> {
    batteries(root).map(|batteries| {
        if batteries.is_empty() {
            PowerSource::NoBattery
        } else if drains(&batteries) {
            PowerSource::Battery
        } else {
            PowerSource::Mains
        }
    })
}

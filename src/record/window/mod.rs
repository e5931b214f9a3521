//! A repetition's window in the run file: its way there and back.

mod schema;

pub(super) use schema::WindowFile;

use crate::hardware::Window;
use crate::units::{Bytes, Seconds};

impl From<&Window> for WindowFile {
    fn from(window: &Window) -> Self {
        Self {
            steal_seconds: window.steal.map(Seconds::value),
            foreign_cpu_seconds: window.foreign_cpu.map(Seconds::value),
            swapped_bytes: window.swapped.map(Bytes::count),
            memory_stall_seconds: window.memory_stall.map(Seconds::value),
            quota_stall_seconds: window.quota_stall.map(Seconds::value),
            thermal_throttles: window.thermal_throttles,
            suspended_seconds: window.suspended.map(Seconds::value),
            on_battery: window.on_battery,
        }
    }
}

impl WindowFile {
    /// The window, or why it cannot be one.
    pub(super) fn window(self) -> Result<Window, String> {
        let seconds = |value: Option<f64>, key: &str| {
            value.map(Seconds::new).transpose().map_err(|error| format!("window.{key}: {error}"))
        };
        Ok(Window {
            steal: seconds(self.steal_seconds, "steal_seconds")?,
            foreign_cpu: seconds(self.foreign_cpu_seconds, "foreign_cpu_seconds")?,
            swapped: self.swapped_bytes.map(Bytes::new),
            memory_stall: seconds(self.memory_stall_seconds, "memory_stall_seconds")?,
            quota_stall: seconds(self.quota_stall_seconds, "quota_stall_seconds")?,
            thermal_throttles: self.thermal_throttles,
            suspended: seconds(self.suspended_seconds, "suspended_seconds")?,
            on_battery: self.on_battery,
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::record::digest::resealed;
    use serde_json::Value;

    use super::super::{from_json, to_json};
    use crate::hardware::Window;
    use crate::measurement::{Outcome, Run, example_run};
    use crate::units::{Bytes, Seconds};

    fn with(window: Window) -> Run {
        let mut run = example_run();
        let Outcome::Measured(measurement) = &mut run.cases[0].outcome else { panic!("it was measured") };
        measurement.repetitions[3].window = window;
        run.derive();
        run
    }

    fn full() -> Window {
        let seconds = |value| Seconds::new(value).ok();
        Window {
            steal: seconds(0.07),
            foreign_cpu: seconds(0.58),
            swapped: Some(Bytes::new(28_672)),
            memory_stall: seconds(0.1),
            quota_stall: seconds(0.25),
            thermal_throttles: Some(5),
            suspended: seconds(300.0),
            on_battery: Some(true),
        }
    }

    #[test]
    fn every_counter_comes_back_from_its_file_and_so_does_the_unknown() {
        for window in [full(), Window { steal: None, on_battery: None, ..full() }, Window::default()] {
            let read = from_json(&to_json(&with(window))).unwrap();
            assert_eq!(read.cases[0].outcome.measurement().repetitions[3].window, window);
        }
    }

    #[test]
    fn a_file_of_an_earlier_method_has_no_windows() {
        let mut value: Value = serde_json::from_str(&to_json(&with(Window::default()))).unwrap();
        for repetition in value["cases"][0]["repetitions"].as_array_mut().unwrap() {
            repetition.as_object_mut().unwrap().remove("window");
        }
        let read = from_json(&resealed(&value)).unwrap();
        let mut windows = read.cases[0].outcome.measurement().repetitions.iter().map(|r| r.window);
        assert!(windows.all(|window| window == Window::default()));
    }

    #[test]
    fn a_negative_time_is_refused_with_its_place() {
        let mut value: Value = serde_json::from_str(&to_json(&with(full()))).unwrap();
        value["cases"][0]["repetitions"][3]["window"]["steal_seconds"] = (-0.1).into();
        let message = from_json(&resealed(&value)).unwrap_err().to_string();
        assert!(message.contains("repetitions[3]: window.steal_seconds: -0.1 s is not"), "{message}");
    }
}

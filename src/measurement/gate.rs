//! The gate: whether the logits about to be timed are those of the plain computation.

use crate::units::{Bytes, Ratio, Seconds, decimals_for_digits};

/// The first version of the method with a gate.
pub const GATED_SINCE_METHOD: u32 = 2;

/// What the comparison with the plain path gave. Made by [`Gate::compared`], or `NotComputed` with the reason.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Gate {
    /// The distance is within the tolerance.
    Passed(GateDistance),
    /// It is not: the case gets no figures.
    Failed(GateFault),
    /// There is nothing to compare with. Figures stand, with a flag.
    NotComputed(NotGated),
}

/// How far logits are from those of the plain path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GateDistance {
    positions: u64,
    same_top: u64,
    distance: Ratio,
    tolerance: Ratio,
}

/// Why a case did not pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum GateFault {
    /// The distance is larger than the tolerance.
    TooFar(GateDistance),
    /// A logit, or the distance, is no finite number.
    NotFinite,
}

/// Why there is no plain computation to compare with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum NotGated {
    /// It needs more memory than is free.
    Memory {
        /// Needed for it.
        needed: Bytes,
        /// Free when it was due.
        free: Bytes,
    },
    /// The time budget of the run had no room for it.
    Budget {
        /// Its forecast.
        needed: Seconds,
        /// What was left of the budget.
        left: Seconds,
    },
    /// The engine has no logits to show, as one that computes nothing.
    Engine,
}

impl Gate {
    /// What a comparison gave. A `distance` that is NaN or infinite comes from logits that are, and fails; an error says
    /// which of the numbers cannot be.
    ///
    /// ```
    /// use claimbench::measurement::{Gate, GateFault};
    /// use claimbench::units::Ratio;
    ///
    /// let limit = Ratio::new(0.09).unwrap();
    /// assert!(matches!(Gate::compared(32, 31, 0.012, limit), Ok(Gate::Passed(_))));
    /// assert!(matches!(Gate::compared(32, 4, 0.31, limit), Ok(Gate::Failed(GateFault::TooFar(_)))));
    /// assert_eq!(Gate::compared(32, 0, f64::NAN, limit), Ok(Gate::Failed(GateFault::NotFinite)));
    /// ```
    pub fn compared(positions: u64, same_top: u64, distance: f64, tolerance: Ratio) -> Result<Self, String> {
        if positions == 0 {
            return Err("no position was compared".to_owned());
        }
        if same_top > positions {
            return Err(format!("the same token at {same_top} of {positions} positions"));
        }
        if !distance.is_finite() {
            return Ok(Self::Failed(GateFault::NotFinite));
        }
        let distance = Ratio::new(distance).map_err(|error| error.to_string())?;
        let compared = GateDistance { positions, same_top, distance, tolerance };
        Ok(if distance <= tolerance {
            Self::Passed(compared)
        } else {
            Self::Failed(GateFault::TooFar(compared))
        })
    }

    /// The distance, where one was computed.
    pub const fn distance(&self) -> Option<&GateDistance> {
        match self {
            Self::Passed(distance) | Self::Failed(GateFault::TooFar(distance)) => Some(distance),
            Self::Failed(GateFault::NotFinite) | Self::NotComputed(_) => None,
        }
    }
}

impl GateDistance {
    /// Positions that were compared, at least one.
    pub const fn positions(&self) -> u64 {
        self.positions
    }

    /// Positions where both find the same token the most likely.
    pub const fn same_top(&self) -> u64 {
        self.same_top
    }

    /// Root mean square of the difference of all logits, over the standard deviation of the plain path's.
    pub const fn distance(&self) -> Ratio {
        self.distance
    }

    /// The largest distance that rounding explains.
    pub const fn tolerance(&self) -> Ratio {
        self.tolerance
    }

    /// Decimals for distance and tolerance in per cent: two significant digits, and more where the two differ and would
    /// print alike, so that a case never fails at what looks like its limit.
    pub fn percent_decimals(&self) -> [usize; 2] {
        let percent = [self.distance, self.tolerance].map(|share| share.value() * 100.0);
        let at =
            |digits| percent.map(|value| if value == 0.0 { 0 } else { decimals_for_digits(value, digits) });
        let alike = |[a, b]: [usize; 2]| format!("{:.a$}", percent[0]) == format!("{:.b$}", percent[1]);
        let differ = self.distance != self.tolerance;
        (2..12).map(at).find(|&decimals| !(differ && alike(decimals))).unwrap_or_else(|| at(12))
    }

    /// Both in per cent, in English: `1.2 %`, `9.1 %`.
    fn percentages(&self) -> [String; 2] {
        let [distance, tolerance] = self.percent_decimals();
        [(self.distance, distance), (self.tolerance, tolerance)]
            .map(|(share, decimals)| format!("{:.decimals$} %", share.value() * 100.0))
    }

    /// `within 1.2 % of the plain computation (limit 9.1 %)`, or `42 % away from` it.
    pub fn sentence(&self) -> String {
        let [distance, tolerance] = self.percentages();
        let how_far = if self.distance <= self.tolerance {
            format!("within {distance} of")
        } else {
            format!("{distance} away from")
        };
        format!("{how_far} the plain computation (limit {tolerance})")
    }
}

impl GateFault {
    /// What is wrong and what to do, in English.
    pub fn reason(&self) -> String {
        let what = match self {
            Self::TooFar(compared) => {
                let [distance, tolerance] = compared.percentages();
                format!(
                    "on {} positions the logits are {distance} away from the plain computation's, and rounding explains at \
                     most {tolerance}",
                    compared.positions
                )
            }
            Self::NotFinite => {
                "the logits, or their distance from the plain computation's, are no finite numbers".to_owned()
            }
        };
        format!("{what}; nothing was measured: try another device or engine, or fetch the file again")
    }
}

impl NotGated {
    /// The name used in files.
    pub const fn id(&self) -> &'static str {
        match self {
            Self::Memory { .. } => "memory",
            Self::Budget { .. } => "budget",
            Self::Engine => "engine",
        }
    }

    /// Why, in English.
    pub fn reason(&self) -> String {
        match self {
            Self::Memory { needed, free } => format!(
                "the plain computation needs about {:.1} GB of memory and {:.1} GB were free",
                needed.as_f64() / 1e9,
                free.as_f64() / 1e9
            ),
            Self::Budget { needed, left } => format!(
                "the plain computation needs about {:.0} s and {:.0} s of the budget were left",
                needed.value(),
                left.value()
            ),
            Self::Engine => "this engine has no logits to show".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(positions: u64, same_top: u64, distance: f64) -> Result<Gate, String> {
        Gate::compared(positions, same_top, distance, Ratio::new(0.091_07).unwrap())
    }

    #[test]
    fn the_tolerance_itself_passes_and_the_next_number_does_not() {
        assert!(matches!(gate(32, 32, 0.091_07), Ok(Gate::Passed(_))));
        assert!(matches!(gate(32, 32, 0.091_07_f64.next_up()), Ok(Gate::Failed(GateFault::TooFar(_)))));
    }

    #[test]
    fn logits_that_are_no_numbers_fail_and_impossible_counts_are_refused() {
        for distance in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(gate(32, 0, distance), Ok(Gate::Failed(GateFault::NotFinite)));
        }
        assert!(gate(0, 0, 0.0).is_err() && gate(32, 33, 0.0).is_err() && gate(32, 0, -0.1).is_err());
    }

    #[test]
    fn a_distance_and_its_limit_never_look_alike_unless_they_are() {
        let shown = |distance: f64| gate(32, 32, distance).unwrap().distance().unwrap().percentages();
        assert_eq!(shown(0.0123), ["1.2 %", "9.1 %"]);
        assert_eq!(shown(0.0914), ["9.14 %", "9.11 %"]);
        assert_eq!(shown(0.091_07), ["9.1 %", "9.1 %"]);
        assert_eq!(shown(3.4e-6), ["0.00034 %", "9.1 %"]);
        assert_eq!(shown(0.0), ["0 %", "9.1 %"]);
        assert_eq!(shown(1.5), ["150 %", "9.1 %"]);
    }

    #[test]
    fn every_way_out_says_why() {
        let passed = gate(32, 31, 0.0123).unwrap();
        assert_eq!(
            passed.distance().unwrap().sentence(),
            "within 1.2 % of the plain computation (limit 9.1 %)"
        );
        let Ok(Gate::Failed(fault)) = gate(32, 3, 0.42) else { panic!("it passed") };
        let too_far = Gate::Failed(fault).distance().unwrap().sentence();
        assert_eq!(too_far, "42 % away from the plain computation (limit 9.1 %)");
        assert!(fault.reason().starts_with("on 32 positions the logits are 42 % away"), "{}", fault.reason());
        assert!(GateFault::NotFinite.reason().contains("no finite numbers; nothing was measured"));
        let gigabytes = |count: u64| Bytes::new(count * 1_000_000_000);
        let memory = NotGated::Memory { needed: gigabytes(9), free: gigabytes(2) };
        assert_eq!(
            memory.reason(),
            "the plain computation needs about 9.0 GB of memory and 2.0 GB were free"
        );
        let [needed, left] = [61.2, 9.0].map(|value| Seconds::new(value).unwrap());
        let budget = NotGated::Budget { needed, left };
        assert!(budget.reason().contains("about 61 s and 9 s of the budget"), "{}", budget.reason());
        assert_eq!([memory.id(), budget.id(), NotGated::Engine.id()], ["memory", "budget", "engine"]);
    }
}

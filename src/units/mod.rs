//! One checked type per physical or monetary quantity, and the only `as` casts of the crate.
//!
//! A quantity is a finite, non-negative `f64` (or a `u64` count) behind a private field: `new` refuses NaN,
//! infinities and negatives, so no other module has to. Quantities of unlike kind do not combine:
//! `Joules` per `Seconds` is `Watts`, and what is not spelled out in `relations.rs` does not compile.

mod cast;
mod digits;
mod quantity;
mod relations;

pub use cast::{
    count_as_f64, count_as_usize, hexadecimal, index_as_u64, nearest_f32, nearest_i8, rounded_u64,
};
pub use digits::decimals_for_digits;
pub use quantity::{
    Bytes, BytesPerSecond, Flop, FlopPerSecond, Joules, JoulesPerToken, MachineHoursPerMillionTokens,
    Quantity, Ratio, Seconds, Tokens, TokensPerSecond, UnitError, Usd, UsdPerHour, UsdPerMillionTokens,
    Watts,
};

/// Seconds in one hour.
pub const SECONDS_PER_HOUR: f64 = 3_600.0;
/// Hours in one year of 365 days, the year every amortisation here is computed with.
pub const HOURS_PER_YEAR: f64 = 8_760.0;
/// Tokens in "a million tokens", the denominator prices are quoted in.
pub const MILLION: f64 = 1e6;

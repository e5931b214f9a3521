//! What things cost: dated prices, each with its source, and the way from machine-hours to money. Pure.

mod model;
mod my_machine;
mod prices;
mod wire;

pub use model::{CostRange, HourlyPrice, PriceBasis, PriceOrigin};
pub use prices::{ApiPrice, PriceBook, RentPrice};

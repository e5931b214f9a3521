//! What things cost: dated prices, each with its source. Pure.

mod prices;
mod wire;

pub use prices::{ApiPrice, PriceBook, RentPrice};

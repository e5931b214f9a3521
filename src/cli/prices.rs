//! Which price of an hour a page uses: a flag, the user's file, the ledger, or none.

#![expect(clippy::disallowed_methods, reason = "reads my-prices.toml")]

use std::fs;
use std::io::ErrorKind;

use anyhow::Context;

use super::PriceArgs;
use crate::clock::{Clock, SystemClock};
use crate::cost::{HourlyPrice, PriceBook};
use crate::hardware::Device;
use crate::units::{Usd, UsdPerHour};

/// The user's own prices, beside the command; git-ignored.
const FILE: &str = "my-prices.toml";

/// Whether the page is for the user or for everybody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Audience {
    /// The user: `my-prices.toml` is read.
    User,
    /// Everybody: what the user paid stays private unless a flag says it.
    Public,
}

/// The price of one hour of `device`: flags first, then `my-prices.toml`, then a ledger price for exactly this
/// device. `None` if there is no price: none is ever made up. A price from a flag is dated today.
pub fn price_of(
    args: &PriceArgs,
    prices: &PriceBook,
    device: Option<&Device>,
    audience: Audience,
) -> anyhow::Result<Option<HourlyPrice>> {
    let today = today()?;
    let today = today.as_str();
    if let Some(rent) = args.rent {
        return Ok(Some(HourlyPrice::rent(UsdPerHour::new(rent)?, today)));
    }
    if let (Some(purchase), Some(years)) = (args.purchase, args.life_years) {
        let price = HourlyPrice::purchase(Usd::new(purchase)?, years, today);
        return Ok(Some(price.context("the purchase price over its life is no finite amount")?));
    }
    match fs::read_to_string(FILE) {
        Ok(_) if audience == Audience::Public => {}
        Ok(text) => return Ok(Some(HourlyPrice::parse_my_prices(FILE, &text)?)),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error).with_context(|| format!("{FILE} cannot be read; correct or remove it"));
        }
    }
    Ok(device.and_then(Device::price_name).and_then(|name| HourlyPrice::from_ledger(prices, name)))
}

/// Today in UTC, as `2026-11-21`.
fn today() -> anyhow::Result<String> {
    let format = time::macros::format_description!("[year]-[month]-[day]");
    Ok(time::OffsetDateTime::from_unix_timestamp(SystemClock::new().unix_seconds())?.format(&format)?)
}

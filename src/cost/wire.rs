//! The format of `prices.toml`, and its way into domain types.

use std::collections::HashSet;

use serde::Deserialize;
use toml::Spanned;

use super::prices::{ApiPrice, PriceBook, RentPrice};
use crate::date::Date;
use crate::faults::{Faults, Reader};
use crate::units::{Quantity, UsdPerHour, UsdPerMillionTokens};

/// Version of the file format.
const SCHEMA: u64 = 1;

#[derive(Deserialize)]
struct File {
    schema: Spanned<u64>,
    #[serde(default, rename = "rent")]
    rents: Vec<Rent>,
    #[serde(default, rename = "api")]
    api: Vec<Api>,
}

#[derive(Deserialize)]
struct Rent {
    id: Spanned<String>,
    device_names: Spanned<Vec<Spanned<String>>>,
    usd_per_hour_low: Spanned<f64>,
    usd_per_hour_high: Spanned<f64>,
    as_of: Spanned<String>,
    source: Spanned<String>,
    verified: bool,
    note: Option<String>,
}

#[derive(Deserialize)]
struct Api {
    id: Spanned<String>,
    model: Spanned<String>,
    usd_per_mtok_input: Spanned<f64>,
    usd_per_mtok_output: Spanned<f64>,
    as_of: Spanned<String>,
    source: Spanned<String>,
    verified: bool,
    note: Option<String>,
}

impl PriceBook {
    /// Reads the text of a `prices.toml`; `file` is the name to print in errors.
    ///
    /// Whether the sources exist is not asked here: they stand in another file, on a higher floor.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        let mut reader = Reader::new(file, text);
        let wire: File = reader.read()?;
        reader.schema(&wire.schema, SCHEMA);
        let mut seen = HashSet::new();
        let rents =
            wire.rents.into_iter().filter_map(|rent| rent.into_price(&mut reader, &mut seen)).collect();
        let api = wire.api.into_iter().filter_map(|api| api.into_price(&mut reader, &mut seen)).collect();
        reader.finish(Some(Self { rents, api }))
    }
}

impl Rent {
    fn into_price(self, reader: &mut Reader<'_>, seen: &mut HashSet<String>) -> Option<RentPrice> {
        let id = reader.unique_id(seen, &self.id);
        if self.device_names.get_ref().is_empty() {
            let fix = "give the exact name its driver reports, such as \"NVIDIA H200\"";
            reader.at(self.device_names.span(), "no device", fix);
        }
        let names = self.device_names.into_inner();
        let device_names = names.iter().map(|name| reader.filled("device_names", name)).collect();
        let low = price::<UsdPerHour>(reader, &self.usd_per_hour_low);
        let high = price::<UsdPerHour>(reader, &self.usd_per_hour_high);
        let (as_of, source) = (date(reader, &self.as_of), reader.filled("source", &self.source));
        let (usd_per_hour_low, usd_per_hour_high) = (low?, high?);
        if usd_per_hour_low > usd_per_hour_high {
            let problem = "`usd_per_hour_low` is above `usd_per_hour_high`";
            reader.at(self.usd_per_hour_low.span(), problem, "put them in order");
        }
        let (id, as_of, verified, note) = (id?, as_of?, self.verified, self.note);
        Some(RentPrice {
            id,
            device_names,
            usd_per_hour_low,
            usd_per_hour_high,
            as_of,
            source,
            verified,
            note,
        })
    }
}

impl Api {
    fn into_price(self, reader: &mut Reader<'_>, seen: &mut HashSet<String>) -> Option<ApiPrice> {
        let id = reader.unique_id(seen, &self.id);
        let model = reader.filled("model", &self.model);
        let input = price::<UsdPerMillionTokens>(reader, &self.usd_per_mtok_input);
        let output = price::<UsdPerMillionTokens>(reader, &self.usd_per_mtok_output);
        let (as_of, source) = (date(reader, &self.as_of), reader.filled("source", &self.source));
        Some(ApiPrice {
            id: id?,
            model,
            usd_per_mtok_input: input?,
            usd_per_mtok_output: output?,
            as_of: as_of?,
            source,
            verified: self.verified,
            note: self.note,
        })
    }
}

fn price<Q: Quantity>(reader: &mut Reader<'_>, value: &Spanned<f64>) -> Option<Q> {
    let price = Q::new(*value.get_ref());
    price.map_err(|error| reader.at(value.span(), error.to_string(), "give a price in dollars")).ok()
}

fn date(reader: &mut Reader<'_>, text: &Spanned<String>) -> Option<String> {
    let fix = "write it as 2025, 2025-02 or 2025-02-28";
    match Date::new(text.get_ref()) {
        Ok(date) => Some(date.as_str().to_owned()),
        Err(error) => {
            reader.at(text.span(), error.to_string(), fix);
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICES: &str = include_str!("../../ledger/prices.toml");

    #[test]
    fn the_shipped_prices_are_clean() {
        let book = PriceBook::parse("prices.toml", PRICES).unwrap();
        assert_eq!(book.rent_for("NVIDIA H100 80GB HBM3").len(), 4);
        let h200 = book.rent_for("NVIDIA H200");
        assert_eq!(h200.len(), 1);
        assert_eq!(
            (h200[0].usd_per_hour_low, h200[0].usd_per_hour_high),
            (UsdPerHour::new(2.5).unwrap(), UsdPerHour::new(7.0).unwrap())
        );
        assert!(book.rent_for("NVIDIA H100").is_empty() && book.rent_for("NVIDIA H200 NVL").is_empty());
        assert!(book.api.iter().any(|api| api.id == "api-deepseek-r1"));
    }

    #[test]
    fn all_faults_of_a_file_come_at_once_with_their_lines() {
        let text = "schema = 1
[[rent]]
id = \"rent-a\"
device_names = []
usd_per_hour_low = 3.0
usd_per_hour_high = 2.0
as_of = \"2025-13\"
source = \"somewhere\"
verified = true

[[api]]
id = \"rent-a\"
model = \"\"
usd_per_mtok_input = -1.0
usd_per_mtok_output = inf
usd_per_mtok_cached = 0.1
as_of = \"2025-02\"
source = \"\"
verified = true
";
        let faults = PriceBook::parse("prices.toml", text).unwrap_err();
        let found: Vec<_> = faults.iter().map(|(line, problem, _)| (line, problem.to_owned())).collect();
        let expected = [
            (4, "no device"),
            (5, "`usd_per_hour_low` is above `usd_per_hour_high`"),
            (7, "`2025-13` is not a date"),
            (12, "id `rent-a` stands twice"),
            (13, "`model` is empty"),
            (14, "-1 USD/Mtok is not a finite amount of zero or more"),
            (15, "inf USD/Mtok is not a finite amount of zero or more"),
            (16, "unknown key `api.0.usd_per_mtok_cached`"),
            (18, "`source` is empty"),
        ];
        assert_eq!(found, expected.map(|(line, problem)| (line, problem.to_owned())));
    }
}

//! The format of `my-prices.toml`, and its way to an hourly price.

use serde::Deserialize;
use toml::Spanned;

use super::super::model::HourlyPrice;
use crate::date::Date;
use crate::faults::{Faults, Reader};
use crate::units::{Usd, UsdPerHour};

#[derive(Deserialize)]
struct File {
    #[serde(rename = "my-machine")]
    my_machine: Spanned<Machine>,
}

#[derive(Deserialize)]
struct Machine {
    rent_usd_per_hour: Option<Spanned<f64>>,
    purchase_usd: Option<Spanned<f64>>,
    life_years: Option<Spanned<f64>>,
    as_of: Spanned<String>,
}

impl HourlyPrice {
    /// Reads the text of a `my-prices.toml`: a table `[my-machine]` with `as_of` and either `rent_usd_per_hour`, or
    /// `purchase_usd` and `life_years`.
    pub fn parse_my_prices(file: &str, text: &str) -> Result<Self, Faults> {
        let mut reader = Reader::new(file, text);
        let wire: File = reader.read()?;
        let span = wire.my_machine.span();
        let machine = wire.my_machine.into_inner();
        if Date::new(machine.as_of.get_ref()).is_err() {
            let problem = format!("`{}` is not a date", machine.as_of.get_ref());
            reader.at(
                machine.as_of.span(),
                problem,
                "write a year, a month or a day, such as \"2026-11-21\"",
            );
        }
        let as_of = machine.as_of.get_ref();
        let price = match (&machine.rent_usd_per_hour, &machine.purchase_usd, &machine.life_years) {
            (Some(rent), None, None) => match UsdPerHour::new(*rent.get_ref()) {
                Ok(rent) => Some(Self::rent(rent, as_of)),
                Err(problem) => {
                    reader.at(rent.span(), problem.to_string(), "give what an hour of the machine costs");
                    None
                }
            },
            (None, Some(purchase), Some(years)) => {
                let price = Usd::new(*purchase.get_ref()).ok();
                let price = price.and_then(|price| Self::purchase(price, *years.get_ref(), as_of));
                if price.is_none() {
                    let problem =
                        format!("{} USD over {} years is no price", purchase.get_ref(), years.get_ref());
                    reader.at(purchase.span(), problem, "give a price of zero or more and a life above zero");
                }
                price
            }
            _ => {
                let fix = "give either `rent_usd_per_hour`, or `purchase_usd` and `life_years`";
                reader.at(span, "`[my-machine]` has no single price", fix);
                None
            }
        };
        reader.finish(price)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::PriceBasis;

    fn read(text: &str) -> Result<HourlyPrice, String> {
        HourlyPrice::parse_my_prices("my-prices.toml", text).map_err(|faults| faults.to_string())
    }

    #[test]
    fn a_rent_and_a_purchase_are_read() {
        let rent = read("[my-machine]\nrent_usd_per_hour = 0.5\nas_of = \"2026-11\"\n").unwrap();
        assert!((rent.low.value() - 0.5).abs() < 1e-12 && rent.basis == PriceBasis::Rent);
        let own = read("[my-machine]\npurchase_usd = 3504\nlife_years = 4\nas_of = \"2026\"\n").unwrap();
        assert!((own.high.value() - 0.1).abs() < 1e-12);
    }

    #[test]
    fn two_prices_none_or_impossible_ones_are_refused_with_the_fix() {
        for text in [
            "[my-machine]\nas_of = \"2026\"\n",
            "[my-machine]\nrent_usd_per_hour = 1.0\npurchase_usd = 5.0\nas_of = \"2026\"\n",
            "[my-machine]\npurchase_usd = 5.0\nas_of = \"2026\"\n",
        ] {
            assert!(read(text).unwrap_err().contains("give either `rent_usd_per_hour`"), "{text}");
        }
        let message =
            read("[my-machine]\nrent_usd_per_hour = -1.0\nas_of = \"soon\"\nrnet = 1\n").unwrap_err();
        for problem in
            ["-1 USD/h is not a finite amount", "`soon` is not a date", "unknown key `my-machine.rnet`"]
        {
            assert!(message.contains(problem), "{problem} is not in {message}");
        }
    }
}

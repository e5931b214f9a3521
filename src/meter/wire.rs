//! The format of `ledger/hardware.toml`, and its way into domain types.

use std::collections::HashSet;

use serde::Deserialize;
use toml::Spanned;

use super::rating::{CpuFamily, CpuRating, EstimatorCurve, Ratings};
use crate::faults::{Faults, Reader};
use crate::units::Watts;

/// Version of the file format.
const SCHEMA: u64 = 1;

#[derive(Deserialize)]
struct File {
    schema: Spanned<u64>,
    #[serde(rename = "source")]
    sources: Vec<Source>,
    estimator: Spanned<Estimator>,
    #[serde(rename = "cpu")]
    cpus: Vec<Cpu>,
    #[serde(rename = "cpu_family")]
    families: Vec<Family>,
}

#[derive(Deserialize)]
#[expect(
    dead_code,
    reason = "read so that the keys are checked; the file itself is the reference a page links to"
)]
struct Source {
    id: Spanned<String>,
    title: String,
    publisher: String,
    address: String,
    read_on: String,
}

#[derive(Deserialize)]
struct Estimator {
    load: Vec<f64>,
    central: Vec<f64>,
    spread: Vec<f64>,
    family_spread: f64,
    source: Spanned<String>,
}

#[derive(Deserialize)]
struct Cpu {
    name: Spanned<String>,
    rated_watts: Spanned<f64>,
    rated_watts_low: Option<Spanned<f64>>,
    turbo_watts: Option<Spanned<f64>>,
    threads: Spanned<u64>,
    source: Spanned<String>,
    verified: bool,
}

#[derive(Deserialize)]
struct Family {
    name: String,
    cpu_ids: Spanned<Vec<String>>,
    idle_watts_per_vcpu: Spanned<f64>,
    busy_watts_per_vcpu: Spanned<f64>,
    source: Spanned<String>,
    #[expect(dead_code, reason = "every family is an estimate; the file says so to its reader")]
    verified: bool,
}

impl Ratings {
    /// Reads the text of a `hardware.toml`; `file` is the name to print in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        let mut reader = Reader::new(file, text);
        let wire: File = reader.read()?;
        reader.schema(&wire.schema, SCHEMA);
        let sources: HashSet<String> =
            wire.sources.iter().map(|source| source.id.get_ref().clone()).collect();
        let curve = curve(&wire.estimator, &sources, &mut reader);
        let mut names = HashSet::new();
        let mut cpus = Vec::new();
        for cpu in wire.cpus {
            if !names.insert(cpu.name.get_ref().clone()) {
                let problem = format!("`{}` stands twice", cpu.name.get_ref());
                reader.at(cpu.name.span(), problem, "keep one of the two");
            }
            cpus.extend(cpu.into_rating(&sources, &mut reader));
        }
        let families =
            wire.families.into_iter().filter_map(|f| f.into_family(&sources, &mut reader)).collect();
        let ratings = curve.map(|curve| Self { curve, cpus, families });
        reader.finish(ratings)
    }
}

fn known(source: &Spanned<String>, sources: &HashSet<String>, reader: &mut Reader<'_>) {
    if !sources.contains(source.get_ref()) {
        let problem = format!("source `{}` is not in this file", source.get_ref());
        reader.at(source.span(), problem, "add a `[[source]]` with this id");
    }
}

fn watts(value: &Spanned<f64>, reader: &mut Reader<'_>) -> Option<Watts> {
    match Watts::new(*value.get_ref()) {
        Ok(watts) if watts > Watts::ZERO => Some(watts),
        _ => {
            reader.at(
                value.span(),
                format!("{} W is no power", value.get_ref()),
                "give a finite number above 0",
            );
            None
        }
    }
}

fn curve(
    wire: &Spanned<Estimator>,
    sources: &HashSet<String>,
    reader: &mut Reader<'_>,
) -> Option<EstimatorCurve> {
    let estimator = wire.get_ref();
    known(&estimator.source, sources, reader);
    let columns = estimator.load.iter().zip(&estimator.central).zip(&estimator.spread);
    let points = columns.map(|((load, central), spread)| [*load, *central, *spread]).collect();
    let lengths_agree =
        estimator.load.len() == estimator.central.len() && estimator.load.len() == estimator.spread.len();
    let curve = EstimatorCurve::new(points, estimator.family_spread).filter(|_| lengths_agree);
    if curve.is_none() {
        let fix = "give as many central values and spreads as loads; loads rise from 0 to 1, spreads are at least 1";
        reader.at(wire.span(), "the estimator is no curve", fix);
    }
    curve
}

impl Cpu {
    fn into_rating(self, sources: &HashSet<String>, reader: &mut Reader<'_>) -> Option<CpuRating> {
        known(&self.source, sources, reader);
        if *self.threads.get_ref() == 0 {
            reader.at(self.threads.span(), "`threads` is 0", "give the threads of the whole processor");
        }
        let rated = watts(&self.rated_watts, reader);
        let rated_low = self.rated_watts_low.as_ref().and_then(|value| watts(value, reader));
        let turbo = self.turbo_watts.as_ref().and_then(|value| watts(value, reader));
        Some(CpuRating {
            name: self.name.into_inner(),
            rated: rated?,
            rated_low,
            turbo,
            threads: self.threads.into_inner(),
            source: self.source.into_inner(),
            verified: self.verified,
        })
    }
}

impl Family {
    fn into_family(self, sources: &HashSet<String>, reader: &mut Reader<'_>) -> Option<CpuFamily> {
        known(&self.source, sources, reader);
        for id in self.cpu_ids.get_ref() {
            if id.split(':').count() != 3 {
                reader.at(self.cpu_ids.span(), format!("`{id}` is no CPUID"), "write vendor:family:model");
            }
        }
        let (idle, busy) =
            (watts(&self.idle_watts_per_vcpu, reader)?, watts(&self.busy_watts_per_vcpu, reader)?);
        if busy < idle {
            let fix = "swap idle_watts_per_vcpu and busy_watts_per_vcpu";
            reader.at(self.busy_watts_per_vcpu.span(), format!("{busy} busy is below {idle} idle"), fix);
        }
        Some(CpuFamily {
            name: self.name,
            cpu_ids: self.cpu_ids.into_inner(),
            idle,
            busy,
            source: self.source.into_inner(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HARDWARE: &str = include_str!("../../ledger/hardware.toml");

    #[test]
    fn the_shipped_tables_are_clean() {
        let ratings = Ratings::parse("hardware.toml", HARDWARE).unwrap();
        assert!(ratings.cpus.len() >= 20 && ratings.families.len() >= 5);
    }

    #[test]
    fn names_match_as_systems_print_them() {
        let ratings = Ratings::parse("hardware.toml", HARDWARE).unwrap();
        let name = |brand: &str| ratings.cpu(brand).map(|cpu| cpu.name.clone());
        assert_eq!(
            name("Intel(R) Xeon(R) Platinum 8375C CPU @ 2.90GHz").unwrap(),
            "Intel Xeon Platinum 8375C"
        );
        assert_eq!(name("AMD Ryzen 9 7950X3D 16-Core Processor").unwrap(), "AMD Ryzen 9 7950X3D");
        assert_eq!(name("AMD Ryzen 9 7950X 16-Core Processor").unwrap(), "AMD Ryzen 9 7950X");
        assert_eq!(name("13th Gen Intel(R) Core(TM) i9-13900K").unwrap(), "Intel Core i9-13900K");
        assert_eq!(name("Intel(R) Xeon(R) Processor"), None);
    }

    #[test]
    fn faults_are_found_together() {
        let text = HARDWARE
            .replacen("rated_watts = 360.0", "rated_watts = -360.0", 1)
            .replacen("threads = 128", "threads = 0", 1)
            .replacen("central = [0.13,", "central = [-0.13,", 1)
            .replacen("source = \"ccf-coefficients\"", "source = \"nowhere\"", 1);
        let message = Ratings::parse("hardware.toml", &text).unwrap_err().to_string();
        for problem in
            ["-360 W is no power", "`threads` is 0", "is no curve", "source `nowhere` is not in this file"]
        {
            assert!(message.contains(problem), "{problem} is not in {message}");
        }
    }
}

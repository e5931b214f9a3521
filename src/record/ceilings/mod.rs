//! A device's rates in files: their way there and back, and the store that keeps them between runs.

mod schema;
mod store;

pub(super) use schema::CeilingsFile;
pub use store::{CeilingsStore, CeilingsStoreError};

use super::schema::DeviceFile;
use crate::hardware::{
    Ceilings, Device, MatrixPrecision, MatrixRate, NotTried, ProductMethod, ReadMethod, ReadRate,
};
use crate::text::printable;
use crate::units::{Bytes, BytesPerSecond, FlopPerSecond};
use schema::{MatrixRateFile, NotTriedFile, ReadRateFile};

impl From<&Ceilings> for CeilingsFile {
    fn from(ceilings: &Ceilings) -> Self {
        let reads = ceilings.reads.iter().map(|read| ReadRateFile {
            method: read.method.id().to_owned(),
            threads: read.threads,
            working_set_bytes: read.working_set.count(),
            passes: read.passes,
            bytes_per_second: read.rate.value(),
        });
        let products = ceilings.products.iter().map(|product| MatrixRateFile {
            precision: product.precision.id().to_owned(),
            method: product.method.id().to_owned(),
            sizes: product.sizes,
            passes: product.passes,
            flop_per_second: product.rate.value(),
        });
        let not_tried = ceilings
            .not_tried
            .iter()
            .map(|left| NotTriedFile { what: printable(&left.what), reason: printable(&left.reason) });
        Self {
            device: match ceilings.device.clone() {
                Device::Cpu { threads } => DeviceFile::Cpu { threads },
                Device::Cuda { index, name } => DeviceFile::Cuda { index, name },
            },
            kernels: ceilings.kernels,
            profile: ceilings.profile.clone(),
            measured_unix_seconds: ceilings.measured_unix_seconds,
            oldest_unix_seconds: ceilings.oldest_unix_seconds,
            reads: reads.collect(),
            products: products.collect(),
            not_tried: not_tried.collect(),
        }
    }
}

impl CeilingsFile {
    /// The rates, or what in them cannot be.
    pub(super) fn ceilings(self) -> Result<Ceilings, String> {
        if !matches!(self.profile.as_str(), "release" | "debug") {
            return Err(format!("`{}` is no profile", self.profile));
        }
        if self.oldest_unix_seconds > self.measured_unix_seconds {
            return Err("the oldest rate is younger than the last".to_owned());
        }
        Ok(Ceilings {
            device: match self.device {
                DeviceFile::Cpu { threads } => Device::Cpu { threads },
                DeviceFile::Cuda { index, name } => Device::Cuda { index, name },
            },
            kernels: self.kernels,
            profile: self.profile,
            measured_unix_seconds: self.measured_unix_seconds,
            oldest_unix_seconds: self.oldest_unix_seconds,
            reads: self.reads.into_iter().map(ReadRateFile::rate).collect::<Result<_, _>>()?,
            products: self.products.into_iter().map(MatrixRateFile::rate).collect::<Result<_, _>>()?,
            not_tried: self.not_tried.into_iter().map(NotTriedFile::reason).collect::<Result<_, _>>()?,
        })
    }
}

impl ReadRateFile {
    fn rate(self) -> Result<ReadRate, String> {
        let Self { method, threads, working_set_bytes, passes, bytes_per_second } = self;
        let rate = BytesPerSecond::new(positive(bytes_per_second)?).map_err(|error| error.to_string())?;
        if passes == 0 || working_set_bytes == 0 || threads == Some(0) {
            return Err(format!("`{method}` has no passes, no bytes or no threads"));
        }
        let method =
            ReadMethod::from_id(&method).ok_or_else(|| format!("`{method}` is no way to read memory"))?;
        Ok(ReadRate { method, threads, working_set: Bytes::new(working_set_bytes), passes, rate })
    }
}

impl MatrixRateFile {
    fn rate(self) -> Result<MatrixRate, String> {
        let Self { precision, method, sizes, passes, flop_per_second } = self;
        let rate = FlopPerSecond::new(positive(flop_per_second)?).map_err(|error| error.to_string())?;
        if passes == 0 || sizes.contains(&0) {
            return Err(format!("`{method} {precision}` has no passes or no size"));
        }
        let precision = MatrixPrecision::from_id(&precision)
            .ok_or_else(|| format!("`{precision}` is no precision of a product"))?;
        let method = ProductMethod::from_id(&method)
            .ok_or_else(|| format!("`{method}` is no way to multiply matrices"))?;
        Ok(MatrixRate { precision, method, sizes, passes, rate })
    }
}

impl NotTriedFile {
    fn reason(self) -> Result<NotTried, String> {
        let Self { what, reason } = self;
        if printable(&what) != what || printable(&reason) != reason {
            return Err("not_tried: a character that commands a terminal".to_owned());
        }
        Ok(NotTried { what, reason })
    }
}

/// A rate that somebody measured; zero is none.
fn positive(rate: f64) -> Result<f64, String> {
    if rate > 0.0 { Ok(rate) } else { Err(format!("{rate} is no rate")) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::measurement::{Run, example_run};
    use crate::record::digest::resealed;
    use crate::record::{from_json, to_json};

    fn refused(change: impl Fn(&mut Value)) -> String {
        let mut value: Value = serde_json::from_str(&to_json(&example_run())).unwrap();
        change(&mut value["ceilings"]);
        from_json(&resealed(&value)).unwrap_err().to_string()
    }

    #[test]
    fn rates_come_back_from_the_run_file_and_may_be_absent() {
        let run = example_run();
        assert_eq!(from_json(&to_json(&run)).unwrap().ceilings, run.ceilings);
        let without = Run { ceilings: None, ..run };
        assert_eq!(from_json(&to_json(&without)).unwrap().ceilings, None);
        let mut value: Value = serde_json::from_str(&to_json(&without)).unwrap();
        value.as_object_mut().unwrap().remove("ceilings");
        assert_eq!(from_json(&resealed(&value)).unwrap().ceilings, None, "files of earlier versions");
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (pointer, value, problem) in [
            ("/reads/0/bytes_per_second", json!(0.0), "0 is no rate"),
            ("/reads/0/bytes_per_second", json!(-1.0), "-1 is no rate"),
            ("/reads/0/method", json!("guess"), "`guess` is no way to read memory"),
            ("/reads/0/passes", json!(0), "no passes"),
            ("/reads/0/threads", json!(0), "no threads"),
            ("/products/0/flop_per_second", json!(0.0), "0 is no rate"),
            ("/products/0/precision", json!("q9"), "`q9` is no precision"),
            ("/products/0/method", json!("guess"), "`guess` is no way to multiply"),
            ("/products/0/sizes", json!([1, 0, 1]), "no size"),
            ("/profile", json!("fast"), "`fast` is no profile"),
            ("/oldest_unix_seconds", json!(i64::MAX), "younger than the last"),
            ("/not_tried/0/reason", json!("\u{1b}[2J"), "commands a terminal"),
        ] {
            let message = refused(|ceilings| *ceilings.pointer_mut(pointer).unwrap() = value.clone());
            assert!(message.contains("ceilings: ") && message.contains(problem), "{pointer}: {message}");
        }
    }
}

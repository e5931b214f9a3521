//! Measures what a device does at its best and prints every way that was tried: `ceilings [auto|cpu|cuda|cuda:N]`.
//!
//! Keeps nothing. `docs/PERFORMANCE.md`, "Ceilings", compares its readings with an independent tool.

#![expect(clippy::disallowed_methods, reason = "reads its arguments")]
#![expect(clippy::print_stdout, reason = "prints the rates")]

use claimbench::clock::{Clock, SystemClock};
use claimbench::engine::ComputeDevice;
use claimbench::workload::DeviceChoice;

fn main() -> anyhow::Result<()> {
    let choice = std::env::args().nth(1).unwrap_or_else(|| "auto".to_owned());
    let device = ComputeDevice::open(DeviceChoice::parse(&choice).map_err(anyhow::Error::msg)?)?;
    let clock = SystemClock::new();
    let start = clock.now();
    let ceilings = device.measure_ceilings(&clock, None)?;
    let seconds = start.until(clock.now()).value();
    for read in &ceilings.reads {
        let threads = read.threads.map_or_else(String::new, |threads| format!(", {threads} threads"));
        println!("read {}{threads}: {:.1} GB/s", read.method.id(), read.rate.value() / 1e9);
    }
    for product in &ceilings.products {
        let ([m, n, k], gigaflop) = (product.sizes, product.rate.value() / 1e9);
        let (method, precision) = (product.method.id(), product.precision.id());
        println!("multiply {method} {precision}, {m} x {n} x {k}: {gigaflop:.1} GFLOP/s");
    }
    for left in &ceilings.not_tried {
        println!("not tried: {}: {}", left.what, left.reason);
    }
    println!("took {seconds:.1} s");
    Ok(())
}

//! Reads a device's memory through candle: sums, and products of a vector with a matrix, which read each value once.

use candle_core::{D, DType, Device as CandleDevice, Result, Tensor};

use super::not_tried;
use super::timing::Stopwatch;
use crate::hardware::{Device, NotTried, ReadMethod, ReadRate};
use crate::units::{Bytes, index_as_u64};

/// Columns of the matrix, as wide as those of common models.
const COLUMNS: usize = 4_096;

/// The matrix `[rows, 4096]` that is read, from a buffer in main memory.
pub(super) fn from_host(mut values: Vec<f32>) -> Result<Tensor> {
    let rows = values.len() / COLUMNS;
    values.truncate(rows * COLUMNS);
    Tensor::from_vec(values, (rows, COLUMNS), &CandleDevice::Cpu)
}

/// The same on a card, drawn there: copying it would take longer than reading it.
pub(super) fn on_card(count: usize, device: &CandleDevice) -> Result<Tensor> {
    Tensor::rand(1.0_f32, 2.0_f32, (count / COLUMNS, COLUMNS), device)
}

/// The rates of all ways through candle, and those that were left out.
pub(super) fn read_rates(
    watch: &Stopwatch<'_>,
    matrix: &Tensor,
    device: &Device,
) -> (Vec<ReadRate>, Vec<NotTried>) {
    let threads = match device {
        Device::Cpu { threads } => Some(*threads),
        Device::Cuda { .. } => None,
    };
    let (mut rates, mut left_out) = (Vec::new(), Vec::new());
    let mut keep = |method: ReadMethod, rate: std::result::Result<ReadRate, String>| match rate {
        Ok(rate) => rates.push(ReadRate { threads, ..rate }),
        Err(reason) => left_out.push(not_tried(method.id(), reason)),
    };
    keep(ReadMethod::TensorSum, rate(watch, ReadMethod::TensorSum, matrix, || matrix.sum_all().map(drop)));
    let row_sums = || matrix.sum(D::Minus1).map(drop);
    keep(ReadMethod::RowSums, rate(watch, ReadMethod::RowSums, matrix, row_sums));
    keep(ReadMethod::VectorF32, vector_rate(watch, ReadMethod::VectorF32, matrix));
    for (method, dtype) in [(ReadMethod::VectorF16, DType::F16), (ReadMethod::VectorBf16, DType::BF16)] {
        let converted = || matrix.to_dtype(dtype).map_err(|error| super::first_line(&error));
        let rate = match device {
            Device::Cpu { .. } => Err(WIDENED.to_owned()),
            Device::Cuda { .. } => converted().and_then(|matrix| vector_rate(watch, method, &matrix)),
        };
        keep(method, rate);
    }
    (rates, left_out)
}

/// Why 16-bit products read nothing fast on a processor.
const WIDENED: &str = "on a processor candle widens the matrix first, which writes more than it reads";

/// The product `x W^T` as the engine forms it, with one row of activations.
fn vector_rate(
    watch: &Stopwatch<'_>,
    method: ReadMethod,
    matrix: &Tensor,
) -> std::result::Result<ReadRate, String> {
    let row = matrix.narrow(0, 0, 1).and_then(|row| row.contiguous());
    let row = row.map_err(|error| super::first_line(&error))?;
    rate(watch, method, matrix, || row.matmul(&matrix.t()?).map(drop))
}

fn rate(
    watch: &Stopwatch<'_>,
    method: ReadMethod,
    matrix: &Tensor,
    work: impl FnMut() -> Result<()>,
) -> std::result::Result<ReadRate, String> {
    let shortest = watch.shortest(work)?;
    let bytes = matrix.elem_count() * matrix.dtype().size_in_bytes();
    let working_set = Bytes::new(index_as_u64(bytes));
    let rate = working_set.per(shortest.time).ok_or_else(|| "no rate follows from its time".to_owned())?;
    Ok(ReadRate { method, threads: None, working_set, passes: shortest.passes, rate })
}

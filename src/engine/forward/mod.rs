//! The project's own forward pass, on whichever of its two implementations a device and a checkpoint take.
//!
//! On a CPU with kernels for how the weights are stored it is [`HostDecoder`]; everywhere else, on cards above all, it is
//! [`Decoder`] on candle's tensors.

use std::ops::Range;

use candle_core::{D, Device, IndexOp, Result, Tensor};

use super::checkpoint::Checkpoint;
use super::decoder::Decoder;
use super::host::HostDecoder;
use super::kernels::Level;

/// Tokens of a prompt that candle's tensors take in at once: the scores of attention take `heads x portion x positions` floats.
const PORTION: usize = 256;

/// A model that is loaded, with its KV cache.
#[derive(Debug)]
pub(super) enum Forward {
    /// On mapped weights.
    Host(Box<HostDecoder>),
    /// On tensors of a device.
    Tensors(Box<Decoder>, Device),
}

/// How a forward pass is to be made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ways {
    /// Instructions that kernels may use.
    pub(super) level: Level,
    /// Threads of the host's forward pass.
    pub(super) threads: usize,
    /// True if candle may hold quantised weights a second time, in a layout of its own.
    pub(super) repacks: bool,
}

impl Ways {
    /// True if a checkpoint is computed on mapped weights: only with kernels that are faster than candle's own.
    pub(super) fn takes_host(&self, checkpoint: &Checkpoint, device: &Device) -> bool {
        device.is_cpu() && self.level.is_fast() && HostDecoder::can_compute(checkpoint)
    }
}

impl Forward {
    /// Loads the weights of a checkpoint.
    pub(super) fn load(checkpoint: &Checkpoint, device: &Device, ways: Ways) -> Result<Self> {
        if ways.takes_host(checkpoint, device) {
            let decoder = HostDecoder::load(checkpoint, ways.level, ways.threads)?;
            return Ok(Self::Host(Box::new(decoder)));
        }
        let decoder = Decoder::load(checkpoint, device, ways.repacks)?;
        device.synchronize()?;
        Ok(Self::Tensors(Box::new(decoder), device.clone()))
    }

    /// Forgets all tokens from `position` on.
    pub(super) fn rewind(&mut self, position: usize) {
        match self {
            Self::Host(decoder) => decoder.rewind(position),
            Self::Tensors(decoder, _) => decoder.rewind(position),
        }
    }

    /// Forgets all tokens and makes room for `batch` sequences of exactly `positions`.
    pub(super) fn renew(&mut self, batch: usize, positions: usize) -> Result<()> {
        match self {
            Self::Host(decoder) => decoder.renew(batch, positions),
            Self::Tensors(decoder, device) => {
                decoder.renew(batch, positions)?;
                device.synchronize()
            }
        }
    }

    /// Takes in `rows`, one per sequence, all of one length.
    pub(super) fn take_in(&mut self, rows: &[Vec<u32>]) -> Result<()> {
        match self {
            Self::Host(decoder) => {
                for_portions(rows, HostDecoder::portion(rows.len()), |portion| decoder.advance(rows, portion))
            }
            Self::Tensors(decoder, device) => {
                for_portions(rows, PORTION, |portion| {
                    decoder.advance(&tensor_of(rows, portion, device)?).map(drop)
                })?;
                device.synchronize()
            }
        }
    }

    /// Takes in `rows` and writes the most likely next token of each into `next`.
    pub(super) fn step(&mut self, rows: &[Vec<u32>], next: &mut Vec<u32>) -> Result<()> {
        next.clear();
        match self {
            Self::Host(decoder) => {
                let mut last = 0;
                for_portions(rows, HostDecoder::portion(rows.len()), |portion| {
                    last = portion.len();
                    decoder.advance(rows, portion)
                })?;
                let mut logits = decoder.logits(rows.len(), |row| (row + 1) * last - 1);
                next.extend((0..rows.len()).map(|row| logits.top(row)));
            }
            Self::Tensors(decoder, device) => {
                let mut hidden = None;
                for_portions(rows, PORTION, |portion| {
                    let last = portion.len() - 1;
                    hidden = Some(decoder.advance(&tensor_of(rows, portion, device)?)?.narrow(1, last, 1)?);
                    Ok(())
                })?;
                let Some(hidden) = hidden else { candle_core::bail!("a request without tokens") };
                let logits = decoder.logits(&hidden)?;
                next.extend(logits.i((.., 0))?.argmax(D::Minus1)?.to_vec1::<u32>()?);
                device.synchronize()?;
            }
        }
        Ok(())
    }

    /// Takes in `rows` and gives the logits of the last of them after each token.
    pub(super) fn logits(&mut self, rows: &[Vec<u32>]) -> Result<Vec<Vec<f32>>> {
        let mut all = Vec::new();
        match self {
            Self::Host(decoder) => for_portions(rows, HostDecoder::portion(rows.len()), |portion| {
                let count = portion.len();
                decoder.advance(rows, portion)?;
                let logits = decoder.logits(count, |row| (rows.len() - 1) * count + row);
                all.extend((0..count).map(|row| logits.row(row)));
                Ok(())
            }),
            Self::Tensors(decoder, device) => for_portions(rows, PORTION, |portion| {
                let hidden = decoder.advance(&tensor_of(rows, portion, device)?)?;
                all.extend(decoder.logits(&hidden)?.i(rows.len() - 1)?.to_vec2::<f32>()?);
                Ok(())
            }),
        }?;
        Ok(all)
    }
}

/// Some tokens of all rows, `[row, token]`.
fn tensor_of(rows: &[Vec<u32>], portion: Range<usize>, device: &Device) -> Result<Tensor> {
    let tokens: Vec<u32> = rows.iter().flat_map(|row| &row[portion.clone()]).copied().collect();
    Tensor::from_vec(tokens, (rows.len(), portion.len()), device)
}

/// Calls `take` with one portion of the rows' length after the other.
fn for_portions(
    rows: &[Vec<u32>],
    portion: usize,
    mut take: impl FnMut(Range<usize>) -> Result<()>,
) -> Result<()> {
    let length = rows.first().map_or(0, Vec::len);
    if length == 0 || rows.iter().any(|row| row.len() != length) {
        candle_core::bail!("a request without tokens, or with sequences of several lengths");
    }
    (0..length).step_by(portion).try_for_each(|start| take(start..length.min(start + portion)))
}

#[cfg(test)]
mod llama_cpp_tests;
#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod tests;

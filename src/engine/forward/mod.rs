//! The project's own forward pass, on whichever of its two implementations a device and a checkpoint take.
//!
//! On a CPU with kernels for how the weights are stored it is [`HostDecoder`]; everywhere else, on cards above all, it is
//! [`Decoder`] on candle's tensors.

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
                for_portions(rows, HostDecoder::portion(rows.len()), |tokens, _| decoder.advance(tokens))
            }
            Self::Tensors(decoder, device) => {
                for_portions(rows, PORTION, |tokens, count| {
                    decoder.advance(&Tensor::from_slice(tokens, (rows.len(), count), device)?).map(drop)
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
                for_portions(rows, HostDecoder::portion(rows.len()), |tokens, count| {
                    last = count;
                    decoder.advance(tokens)
                })?;
                let wanted: Vec<usize> = (1..=rows.len()).map(|row| row * last - 1).collect();
                let mut logits = decoder.logits(&wanted);
                next.extend((0..rows.len()).map(|row| logits.top(row)));
            }
            Self::Tensors(decoder, device) => {
                let mut hidden = None;
                for_portions(rows, PORTION, |tokens, count| {
                    let tokens = Tensor::from_slice(tokens, (rows.len(), count), device)?;
                    hidden = Some(decoder.advance(&tokens)?.narrow(1, count - 1, 1)?);
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
            Self::Host(decoder) => for_portions(rows, HostDecoder::portion(rows.len()), |tokens, count| {
                decoder.advance(tokens)?;
                let wanted: Vec<usize> = (tokens.len() - count..tokens.len()).collect();
                let logits = decoder.logits(&wanted);
                all.extend((0..count).map(|row| logits.row(row)));
                Ok(())
            }),
            Self::Tensors(decoder, device) => for_portions(rows, PORTION, |tokens, count| {
                let hidden = decoder.advance(&Tensor::from_slice(tokens, (rows.len(), count), device)?)?;
                all.extend(decoder.logits(&hidden)?.i(rows.len() - 1)?.to_vec2::<f32>()?);
                Ok(())
            }),
        }?;
        Ok(all)
    }
}

/// Calls `take` with the tokens of all rows, `[row][token]`, `portion` of each row at a time, and with how many these are.
fn for_portions(
    rows: &[Vec<u32>],
    portion: usize,
    mut take: impl FnMut(&[u32], usize) -> Result<()>,
) -> Result<()> {
    let length = rows.first().map_or(0, Vec::len);
    if length == 0 {
        candle_core::bail!("a request without tokens");
    }
    if let [row] = rows {
        return row.chunks(portion).try_for_each(|tokens| take(tokens, tokens.len()));
    }
    let mut tokens = Vec::with_capacity(rows.len() * portion.min(length));
    for start in (0..length).step_by(portion) {
        let end = length.min(start + portion);
        tokens.clear();
        for row in rows {
            tokens.extend_from_slice(&row[start..end]);
        }
        take(&tokens, end - start)?;
    }
    Ok(())
}

#[cfg(test)]
mod llama_cpp_tests;
#[cfg(test)]
mod reference_tests;
#[cfg(test)]
mod tests;

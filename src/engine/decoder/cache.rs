//! The KV cache: what attention keeps of earlier tokens. It grows in place and can be rewound.

use candle_core::{DType, Device, Result, Tensor};

/// Positions that an empty cache begins with.
const FIRST: usize = 256;

/// One tensor of a layer's cache, `[batch, heads, room, width]` in 32-bit floats, of which the first `used` positions count.
///
/// Room doubles when it runs out, so a token's cost does not grow with the context by copying; a request that says how
/// long it will be ([`Self::reserve`]) never copies.
#[derive(Debug)]
pub(super) struct Cache {
    heads: usize,
    width: usize,
    device: Device,
    used: usize,
    values: Option<Tensor>,
}

impl Cache {
    pub(super) fn new(heads: usize, width: usize, device: &Device) -> Self {
        Self { heads, width, device: device.clone(), used: 0, values: None }
    }

    /// Forgets all positions from `position` on.
    pub(super) fn rewind(&mut self, position: usize) {
        self.used = self.used.min(position);
    }

    /// Becomes an empty cache with room for exactly `positions` of `batch` sequences: what an earlier request took is given back
    /// first, so that the memory of one request is not counted with that of another.
    pub(super) fn renew(&mut self, batch: usize, positions: usize) -> Result<()> {
        self.used = 0;
        let fits = |values: &Tensor| values.dims() == [batch, self.heads, positions, self.width];
        if !self.values.as_ref().is_some_and(fits) {
            self.values = None;
            self.values = Some(self.room(batch, positions)?);
        }
        Ok(())
    }

    fn room(&self, batch: usize, positions: usize) -> Result<Tensor> {
        Tensor::zeros((batch, self.heads, positions, self.width), DType::F32, &self.device)
    }

    /// Makes room for `positions` of `batch` sequences.
    pub(super) fn reserve(&mut self, batch: usize, positions: usize) -> Result<()> {
        let (held, room) = match &self.values {
            Some(values) => (values.dim(0)?, values.dim(2)?),
            None => (0, 0),
        };
        if held == batch && room >= positions {
            return Ok(());
        }
        if held != batch && self.used > 0 {
            candle_core::bail!("the cache holds {held} sequences, not {batch}");
        }
        let room = if held == batch { positions.max(2 * room) } else { positions.max(FIRST) };
        let larger = self.room(batch, room)?;
        if let (Some(values), true) = (&self.values, self.used > 0) {
            larger.slice_set(&values.narrow(2, 0, self.used)?.contiguous()?, 2, 0)?;
        }
        self.values = Some(larger);
        Ok(())
    }

    /// Adds `values`, `[batch, heads, tokens, width]`, and returns those of all positions, `[batch, heads, positions, width]`.
    pub(super) fn append(&mut self, values: &Tensor) -> Result<Tensor> {
        let (batch, _, tokens, _) = values.dims4()?;
        self.reserve(batch, self.used + tokens)?;
        let Some(all) = &self.values else { candle_core::bail!("a cache without room") };
        all.slice_set(&values.contiguous()?, 2, self.used)?;
        self.used += tokens;
        all.narrow(2, 0, self.used)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(value: f32, tokens: usize) -> Tensor {
        Tensor::full(value, (1, 1, tokens, 2), &Device::Cpu).unwrap()
    }

    #[test]
    fn it_grows_in_place_and_forgets_from_a_position_on() {
        let mut cache = Cache::new(1, 2, &Device::Cpu);
        cache.append(&row(1.0, 200)).unwrap();
        let all = cache.append(&row(2.0, 100)).unwrap();
        assert_eq!(all.dims(), [1, 1, 300, 2]);
        cache.rewind(199);
        assert_eq!(cache.used, 199);
        let all = cache.append(&row(3.0, 2)).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        assert_eq!((all.len(), all[0], all[397], all[398], all[401]), (402, 1.0, 1.0, 3.0, 3.0));
        let two = Tensor::zeros((2, 1, 1, 2), DType::F32, &Device::Cpu).unwrap();
        assert!(cache.append(&two).unwrap_err().to_string().contains("1 sequences, not 2"));
        cache.rewind(0);
        assert_eq!(cache.append(&two).unwrap().dims(), [2, 1, 1, 2]);
        cache.renew(3, 4).unwrap();
        assert_eq!((cache.used, cache.values.as_ref().unwrap().dims()), (0, &[3, 1, 4, 2][..]));
    }
}

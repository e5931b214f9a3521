//! Opening a GGUF file as a [`Checkpoint`].

#![expect(clippy::disallowed_methods, reason = "opens the checkpoint")]

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use candle_core::quantized::gguf_file::Content;

use super::{Checkpoint, Pairing, Stored, names};
use crate::model::{Family, shape_of};

impl Checkpoint {
    pub(super) fn open_gguf(path: &Path) -> Result<Self, String> {
        let text = |error: &dyn ToString| error.to_string();
        let mut file = File::open(path).map_err(|error| text(&error))?;
        let content = Content::read(&mut file).map_err(|error| text(&error))?;
        let shape = shape_of(path, &content, &mut file).map_err(|error| text(&error))?;
        let (mut tensors, path) = (BTreeMap::new(), Arc::<Path>::from(path));
        for (name, info) in &content.tensor_infos {
            let offset = content.tensor_data_offset + info.offset;
            let dimensions = info.shape.dims().to_vec();
            let stored = Stored::new(Arc::clone(&path), offset, info.ggml_dtype, dimensions);
            if name.ends_with("_exps.weight") && stored.dimensions().len() == 3 {
                for expert in 0..stored.dimensions()[0] {
                    tensors.insert(names::expert(name, expert), stored.slice(expert));
                }
            } else {
                tensors.insert(name.clone(), stored);
            }
        }
        let pairing = match shape.family {
            Family::Qwen2 | Family::Qwen3 => Pairing::Halves,
            Family::Llama | Family::Mistral3 | Family::DeepSeek2 => Pairing::Neighbours,
        };
        Ok(Self { shape, pairing, tensors })
    }
}

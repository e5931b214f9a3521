//! Whether a GGUF file has the tensors that its keys promise, each in its size, and none beside them.

use std::collections::BTreeSet;
use std::path::Path;

use super::checkpoint::CheckpointError;
use super::gguf::GgufFile;
use super::shape::{Attention, Shape, TensorRole, TensorSpec};
use super::shown::shown;
use crate::units::index_as_u64;

/// Each layer has two norms, and at least four matrices of attention and three of the feed-forward.
const LEAST_PER_LAYER: u64 = 9;

/// Refuses a file that has not exactly the tensors of `shape`. Two older layouts are known: `attn_kv_b` in place of the two
/// matrices it was split into, and one matrix for each expert in place of one for all.
pub(super) fn check(file: &GgufFile, shape: &Shape, path: &Path) -> Result<(), CheckpointError> {
    let fault = |name: &str, problem: &str| {
        let (path, name, problem) = (path.to_owned(), shown(name), problem.to_owned());
        Err(CheckpointError::Tensor { path, name, problem })
    };
    let count = index_as_u64(file.tensors().count());
    // The list of the expected ones is as long as the file says, so it is not made for a number of layers that cannot be.
    if shape.layers > count / LEAST_PER_LAYER {
        let problem = format!("is missing: {count} tensors are too few for {} layers", shape.layers);
        return fault("blk.0.attn_norm.weight", &problem);
    }
    let mut known = BTreeSet::new();
    for expected in shape.tensors() {
        for (name, dimensions) in layout(file, shape, expected) {
            let Some(tensor) = file.tensor(&name) else { return fault(&name, "is missing") };
            if tensor.dimensions != dimensions {
                let problem = format!("is {:?}, and its keys say {dimensions:?}", tensor.dimensions);
                return fault(&name, &problem);
            }
            known.insert(name);
        }
    }
    match file.tensors().find(|(name, _)| !known.contains(*name) && !is_spare(name, shape)) {
        Some((name, _)) => fault(name, "is one that its architecture has not"),
        None => Ok(()),
    }
}

/// The tensors that stand for an expected one, in the layout that the file has.
fn layout(file: &GgufFile, shape: &Shape, expected: TensorSpec) -> Vec<(String, Vec<u64>)> {
    let whole = |name: &str| file.tensor(name).is_some();
    if whole(&expected.name) {
        return vec![(expected.name, expected.dimensions)];
    }
    if let (
        TensorRole::LatentKey | TensorRole::LatentValue,
        Attention::Latent { heads, kv_rank, nope_dim, value_dim, .. },
    ) = (expected.role, shape.attention)
    {
        let joined = expected.name.replace("attn_k_b", "attn_kv_b").replace("attn_v_b", "attn_kv_b");
        if whole(&joined) {
            return vec![(joined, vec![kv_rank, heads * (nope_dim + value_dim)])];
        }
    }
    if let (Some(start), [columns, rows, experts]) =
        (expected.name.strip_suffix("_exps.weight"), expected.dimensions.as_slice())
        && whole(&format!("{start}.0.weight"))
        // As many as there are tensors at all, so that a wrong number ends at one that is missing.
        && *experts <= index_as_u64(file.tensors().count())
    {
        return (0..*experts).map(|i| (format!("{start}.{i}.weight"), vec![*columns, *rows])).collect();
    }
    vec![(expected.name, expected.dimensions)]
}

/// Tensors that some converters write and nobody computes with: the joined matrix beside the two it was split into.
fn is_spare(name: &str, shape: &Shape) -> bool {
    matches!(shape.attention, Attention::Latent { .. }) && name.ends_with(".attn_kv_b.weight")
}

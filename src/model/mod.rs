//! What can be measured: model shapes and their registry (pure), GGUF files with random weights, the hub's files.

mod blocks;
#[cfg(test)]
mod bytes_tests;
mod cache;
mod checkpoint;
mod config;
mod damaged;
mod file_shape;
#[cfg(test)]
mod file_shape_tests;
mod file_tensors;
mod file_type;
mod floats;
mod gguf;
mod local;
mod metadata;
#[cfg(test)]
mod mutation_tests;
mod non_finite;
mod precision;
mod registry;
mod regular_file;
mod rotary;
mod safetensors;
mod shape;
mod shown;
mod spec;
mod synthetic;
mod synthetic_file;
#[cfg(test)]
mod synthetic_tests;
mod vocabulary;
mod wire;

pub use cache::{CacheEntry, CacheError, CacheFolder, total_bytes};
pub use checkpoint::{CheckpointError, CheckpointHeader, SyntheticOrigin, inspect, sha256};
pub use config::{ConfigError, shape_of_config};
pub use damaged::damaged_tensor;
pub use file_shape::shape_of;
pub use file_type::FileType;
pub use gguf::{GgufFile, GgufTensor};
#[cfg(test)]
pub(crate) use gguf::{GgufValue, gguf_header};
pub use local::{LocalError, LocalModel};
pub use non_finite::has_non_finite;
pub use precision::{Precision, Recipe};
pub use registry::Registry;
pub use safetensors::{CheckpointFolder, StoredTensor, tensor_bytes as stored_bytes_of};
pub use shape::{
    Attention, Family, FeedForward, Mixture, RopeScaling, Shape, SlidingWindow, TensorRole, TensorSpec,
    TensorType, Yarn,
};
pub(crate) use shown::shown;
pub use spec::{
    HubContent, HubFile, HubRepo, Licence, LocalFile, LocalFormat, ModelId, ModelRole, ModelSpec,
    PublishedParameters, Weights,
};
pub use synthetic::{
    GENERATOR, SyntheticError, SyntheticPlan, file_bytes as synthetic_bytes,
    file_name as synthetic_file_name, write_checkpoint as write_synthetic,
};
pub use synthetic_file::{CheckpointFile, EnsureError, ensure as ensure_synthetic, free_disk};
pub(crate) use vocabulary::byte_character;

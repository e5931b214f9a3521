//! What can be measured: model shapes and their registry (pure), GGUF files with random weights, the hub's files.

mod hub;
mod registry;
mod shape;
mod spec;
mod wire;

pub use hub::{FetchedFile, Hub, HubError};
pub use registry::Registry;
pub use shape::{AttentionBias, Family, Shape, TensorRole, TensorSpec, TensorType};
pub use spec::{
    HubFile, HubRepo, Licence, ModelId, ModelRole, ModelSpec, Precision, PublishedParameters, Weights,
};

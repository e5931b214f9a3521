//! The models of `models.toml`, in its order.

use super::spec::{ModelId, ModelRole, ModelSpec};

/// All known models; ids are unique.
#[derive(Clone, Debug, PartialEq)]
pub struct Registry {
    models: Vec<ModelSpec>,
}

impl Registry {
    pub(super) fn new(models: Vec<ModelSpec>) -> Self {
        Self { models }
    }

    /// The registry with more models at its end, whose ids it has not.
    #[must_use]
    pub fn with(mut self, more: impl IntoIterator<Item = ModelSpec>) -> Self {
        self.models.extend(more);
        self
    }

    /// Every model, in file order.
    pub fn models(&self) -> &[ModelSpec] {
        &self.models
    }

    /// The model with this id.
    pub fn get(&self, id: &str) -> Option<&ModelSpec> {
        self.models.iter().find(|model| model.id.as_str() == id)
    }

    /// The models `cargo bench` measures.
    pub fn defaults(&self) -> impl Iterator<Item = &ModelSpec> {
        self.models.iter().filter(|model| model.default)
    }

    /// The shapes that only exercise the harness.
    pub fn test_shapes(&self) -> impl Iterator<Item = &ModelSpec> {
        self.models.iter().filter(|model| model.role == ModelRole::Test)
    }

    /// All ids, for error messages.
    pub fn ids(&self) -> impl Iterator<Item = &ModelId> {
        self.models.iter().map(|model| &model.id)
    }
}

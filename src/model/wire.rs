//! The format of `models.toml`, and its way into domain types.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::registry::Registry;
use super::shape::{AttentionBias, Family, Shape};
use super::spec::{HubFile, HubRepo, Licence, ModelId, ModelRole, ModelSpec, Precision, PublishedParameters};
use crate::faults::{Faults, Reader};

/// Version of the file format.
const SCHEMA: u64 = 1;

#[derive(Deserialize)]
struct File {
    schema: Spanned<u64>,
    #[serde(rename = "model")]
    models: Vec<Model>,
}

#[derive(Deserialize)]
struct Model {
    id: Spanned<String>,
    name: Spanned<String>,
    publisher: String,
    role: Role,
    default: Spanned<bool>,
    precisions: Spanned<Vec<WirePrecision>>,
    licence: WireLicence,
    hub: Option<Hub>,
    #[serde(default, rename = "file")]
    files: Vec<WireFile>,
    published_parameters: Option<WireParameters>,
    shape: Spanned<WireShape>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum Role {
    Measure,
    Test,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
enum WirePrecision {
    #[serde(rename = "q4_k_m")]
    Q4KM,
}

#[derive(Deserialize)]
struct WireLicence {
    name: String,
    note: String,
    gated: bool,
}

#[derive(Deserialize)]
struct Hub {
    repo: Spanned<String>,
    commit: Spanned<String>,
}

#[derive(Deserialize)]
struct WireFile {
    precision: Spanned<WirePrecision>,
    repo: Spanned<String>,
    file: Spanned<String>,
    commit: Option<Spanned<String>>,
}

#[derive(Deserialize)]
struct WireParameters {
    count: Spanned<u64>,
    source: Spanned<String>,
}

#[derive(Deserialize)]
struct WireShape {
    family: WireFamily,
    layers: Spanned<u64>,
    hidden: Spanned<u64>,
    intermediate: Spanned<u64>,
    heads: Spanned<u64>,
    kv_heads: Spanned<u64>,
    head_dim: Spanned<u64>,
    vocab: Spanned<u64>,
    tied_embeddings: bool,
    attention_bias: WireBias,
    rope_theta: Spanned<f64>,
    rms_norm_eps: Spanned<f64>,
    max_positions: Spanned<u64>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WireFamily {
    Qwen2,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WireBias {
    None,
    Qkv,
}

impl Registry {
    /// Reads the text of a `models.toml`; `file` is the name to print in errors.
    pub fn parse(file: &str, text: &str) -> Result<Self, Faults> {
        let mut reader = Reader::new(file, text);
        let wire: File = reader.read()?;
        reader.schema(&wire.schema, SCHEMA);
        let mut seen = HashSet::new();
        let mut models = Vec::new();
        for model in wire.models {
            let id = reader.unique_id(&mut seen, &model.id);
            models.extend(model.into_spec(id, &mut reader));
        }
        if models.is_empty() && reader.is_clean() {
            reader.at(0..0, "no `[[model]]` at all", "add at least one");
        }
        reader.finish(Some(Self::new(models)))
    }
}

impl Model {
    fn into_spec(self, id: Option<String>, reader: &mut Reader<'_>) -> Option<ModelSpec> {
        if self.name.get_ref().trim().is_empty() {
            reader.at(self.name.span(), "the name is empty", "give the publisher's name of the model");
        }
        if self.role == Role::Test && *self.default.get_ref() {
            reader.at(self.default.span(), "a test shape cannot be a default", "set `default = false`");
        }
        if self.precisions.get_ref().is_empty() {
            reader.at(self.precisions.span(), "no precision", "list at least one, for example \"q4_k_m\"");
        }
        let span = self.shape.span();
        let shape = self.shape.into_inner().into_shape(reader);
        let published = self.published_parameters.and_then(|wire| wire.check(&shape, reader));
        if self.role == Role::Measure && (published.is_none() || self.hub.is_none()) && reader.is_clean() {
            let fix = "add `[model.published_parameters]` and `[model.hub]`, or set `role = \"test\"`";
            reader.at(span, "a measured model needs its hub repository and a published parameter count", fix);
        }
        let files = self.files.into_iter().map(|file| file.into_file(reader)).collect();
        Some(ModelSpec {
            id: ModelId::new(&id?).ok()?,
            name: self.name.into_inner(),
            publisher: self.publisher,
            role: if self.role == Role::Test { ModelRole::Test } else { ModelRole::Measure },
            default: self.default.into_inner(),
            licence: Licence { name: self.licence.name, note: self.licence.note, gated: self.licence.gated },
            hub: self.hub.map(|hub| repository(&hub.repo, Some(&hub.commit), reader)),
            shape,
            published,
            precisions: self.precisions.into_inner().into_iter().map(Precision::from).collect(),
            files,
        })
    }
}

impl From<WirePrecision> for Precision {
    fn from(wire: WirePrecision) -> Self {
        match wire {
            WirePrecision::Q4KM => Self::Q4KM,
        }
    }
}

impl WireFile {
    fn into_file(self, reader: &mut Reader<'_>) -> HubFile {
        let name = self.file.get_ref();
        if name.is_empty() || name.starts_with('/') || name.split('/').any(|part| part == "..") {
            reader.at(
                self.file.span(),
                format!("`{name}` is no file of a repository"),
                "give its path in the repository",
            );
        }
        let repo = repository(&self.repo, self.commit.as_ref(), reader);
        HubFile { repo, file: self.file.into_inner(), precision: self.precision.into_inner().into() }
    }
}

fn repository(repo: &Spanned<String>, commit: Option<&Spanned<String>>, reader: &mut Reader<'_>) -> HubRepo {
    if repo.get_ref().split('/').filter(|part| !part.is_empty()).count() != 2 {
        reader.at(repo.span(), format!("`{}` is no repository", repo.get_ref()), "write it as owner/name");
    }
    if let Some(commit) = commit {
        let text = commit.get_ref();
        if text.len() != 40 || !text.chars().all(|c| c.is_ascii_hexdigit()) {
            reader.at(commit.span(), format!("`{text}` is no commit"), "give all 40 hexadecimal digits");
        }
    }
    HubRepo { repo: repo.get_ref().clone(), commit: commit.map(|commit| commit.get_ref().clone()) }
}

/// The largest gap between the count that follows from the shape and the published one.
const PARAMETER_TOLERANCE: f64 = 0.005;

impl WireParameters {
    fn check(self, shape: &Shape, reader: &mut Reader<'_>) -> Option<PublishedParameters> {
        if self.source.get_ref().trim().is_empty() {
            reader.at(self.source.span(), "the published count has no source", "say where it was read");
            return None;
        }
        if !shape.problems().is_empty() {
            return None;
        }
        let (published, derived) = (*self.count.get_ref(), shape.parameters());
        let gap =
            crate::units::count_as_f64(published.abs_diff(derived)) / crate::units::count_as_f64(derived);
        if gap > PARAMETER_TOLERANCE {
            let problem = format!("the shape has {derived} parameters, {published} are published");
            reader.at(self.count.span(), problem, "correct the shape or the count; they may differ by 0.5 %");
            return None;
        }
        Some(PublishedParameters { count: published, source: self.source.into_inner() })
    }
}

impl WireShape {
    fn into_shape(self, reader: &mut Reader<'_>) -> Shape {
        let spans: HashMap<&str, Range<usize>> = [
            ("layers", self.layers.span()),
            ("hidden", self.hidden.span()),
            ("intermediate", self.intermediate.span()),
            ("heads", self.heads.span()),
            ("kv_heads", self.kv_heads.span()),
            ("head_dim", self.head_dim.span()),
            ("vocab", self.vocab.span()),
            ("rope_theta", self.rope_theta.span()),
            ("rms_norm_eps", self.rms_norm_eps.span()),
            ("max_positions", self.max_positions.span()),
        ]
        .into();
        let shape = Shape {
            family: match self.family {
                WireFamily::Qwen2 => Family::Qwen2,
            },
            layers: self.layers.into_inner(),
            hidden: self.hidden.into_inner(),
            intermediate: self.intermediate.into_inner(),
            heads: self.heads.into_inner(),
            kv_heads: self.kv_heads.into_inner(),
            head_dim: self.head_dim.into_inner(),
            vocab: self.vocab.into_inner(),
            tied_embeddings: self.tied_embeddings,
            attention_bias: match self.attention_bias {
                WireBias::None => AttentionBias::None,
                WireBias::Qkv => AttentionBias::Qkv,
            },
            rope_theta: self.rope_theta.into_inner(),
            rms_norm_eps: self.rms_norm_eps.into_inner(),
            max_positions: self.max_positions.into_inner(),
        };
        for (key, problem, fix) in shape.problems() {
            reader.at(spans[key].clone(), problem, fix);
        }
        shape
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODELS: &str = include_str!("../../models.toml");

    fn faults(text: &str) -> Vec<(usize, String)> {
        let faults = Registry::parse("models.toml", text).unwrap_err();
        faults.iter().map(|(line, problem, _)| (line, problem.to_owned())).collect()
    }

    fn line_of(text: &str, needle: &str) -> usize {
        text.lines().position(|line| line.starts_with(needle)).unwrap() + 1
    }

    #[test]
    fn the_shipped_registry_is_clean() {
        let registry = Registry::parse("models.toml", MODELS).unwrap();
        assert_eq!(registry.defaults().map(|m| m.id.as_str()).collect::<Vec<_>>(), ["r1-distill-qwen-1.5b"]);
        assert_eq!(registry.test_shapes().count(), 1);
    }

    #[test]
    fn every_published_count_is_met_within_half_a_percent() {
        let registry = Registry::parse("models.toml", MODELS).unwrap();
        let mut checked = 0;
        for model in registry.models() {
            if let Some(published) = &model.published {
                let gap = published.count.abs_diff(model.shape.parameters());
                assert!(
                    gap * 200 <= published.count,
                    "{}: {} parameters",
                    model.id,
                    model.shape.parameters()
                );
                assert!(!published.source.is_empty());
                checked += 1;
            }
        }
        assert!(checked >= 1);
    }

    #[test]
    fn all_faults_of_a_file_come_at_once_with_their_lines() {
        let text = MODELS
            .replacen("layers = 28", "layers = 0", 1)
            .replacen("kv_heads = 2", "kv_heads = 5", 1)
            .replacen("gated = false", "gated = false\ngatedd = true", 1)
            .replacen("id = \"tiny-qwen2\"", "id = \"r1-distill-qwen-1.5b\"", 1);
        let found = faults(&text);
        let expected = [
            (line_of(&text, "gatedd"), "unknown key `model.0.licence.gatedd`".to_owned()),
            (line_of(&text, "layers = 0"), "`layers` is 0".to_owned()),
            (line_of(&text, "kv_heads = 5"), "12 query heads do not divide into 5 kv heads".to_owned()),
        ];
        for fault in expected {
            assert!(found.contains(&fault), "{fault:?} is not in {found:?}");
        }
        assert!(
            found.iter().any(|(_, problem)| problem == "id `r1-distill-qwen-1.5b` stands twice"),
            "{found:?}"
        );
    }

    #[test]
    fn a_shape_that_misses_the_published_count_is_refused() {
        let found = faults(&MODELS.replacen("intermediate = 8960", "intermediate = 8704", 1));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].1.contains("1777088000 are published"), "{found:?}");
    }

    #[test]
    fn an_unknown_schema_is_refused() {
        assert_eq!(faults(&MODELS.replacen("schema = 1", "schema = 2", 1))[0].1, "schema 2 is not known");
    }
}

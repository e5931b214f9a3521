//! The format of `models.toml`, and its way into domain types.

use std::collections::HashSet;

use serde::Deserialize;
use toml::Spanned;

use super::precision::Precision;
use super::registry::Registry;
use super::shape::Shape;
use super::shape::wire::WireShape;
use super::spec::{
    HubContent, HubFile, HubRepo, Licence, ModelId, ModelRole, ModelSpec, PublishedParameters,
};
use crate::faults::{Faults, Reader};
use crate::units::{Bytes, count_as_f64};

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
    licence: Spanned<WireLicence>,
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
    #[serde(rename = "q6_k")]
    Q6K,
    #[serde(rename = "q8_0")]
    Q8_0,
    #[serde(rename = "bf16")]
    BF16,
}

#[derive(Deserialize)]
struct WireLicence {
    name: String,
    note: String,
    restricted: bool,
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
    /// One GGUF file; absent for a checkpoint of several files.
    file: Option<Spanned<String>>,
    /// `safetensors` for a checkpoint of several files; absent for a GGUF file.
    format: Option<WireFormat>,
    commit: Option<Spanned<String>>,
    /// The size somebody read; absent where nobody did.
    bytes: Option<Spanned<u64>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum WireFormat {
    Safetensors,
}

#[derive(Deserialize)]
struct WireParameters {
    count: Spanned<u64>,
    /// The step of the printed number, where it is coarser than one: 100,000,000 for "8.4B".
    rounded_to: Option<u64>,
    note: Option<String>,
    source: Spanned<String>,
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
        let licence = self.licence.get_ref();
        if *self.default.get_ref() && (licence.restricted || licence.gated) {
            let problem = "a restricted or gated model cannot be a default";
            reader.at(
                self.default.span(),
                problem,
                "set `default = false`: nobody accepts its terms unasked",
            );
        }
        if self.precisions.get_ref().is_empty() {
            let fix = "list at least one, the default first, for example \"q4_k_m\"";
            reader.at(self.precisions.span(), "no precision", fix);
        }
        let span = self.shape.span();
        let shape = self.shape.into_inner().into_shape(span.clone(), reader)?;
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
            licence: self.licence.into_inner().into(),
            hub: self.hub.map(|hub| repository(&hub.repo, Some(&hub.commit), reader)),
            shape,
            published,
            precisions: self.precisions.into_inner().into_iter().map(Precision::from).collect(),
            files,
            local: None,
        })
    }
}

impl From<WirePrecision> for Precision {
    fn from(wire: WirePrecision) -> Self {
        match wire {
            WirePrecision::Q4KM => Self::Q4KM,
            WirePrecision::Q6K => Self::Q6K,
            WirePrecision::Q8_0 => Self::Q8_0,
            WirePrecision::BF16 => Self::BF16,
        }
    }
}

impl From<WireLicence> for Licence {
    fn from(wire: WireLicence) -> Self {
        let WireLicence { name, note, restricted, gated } = wire;
        Self { name, note, restricted, gated }
    }
}

impl WireFile {
    fn into_file(self, reader: &mut Reader<'_>) -> HubFile {
        let place = self.precision.span();
        let content = match (self.file, self.format) {
            (Some(file), None) => HubContent::Gguf(file_name(file, reader)),
            (None, Some(WireFormat::Safetensors)) => HubContent::Safetensors,
            _ => {
                let fix = "give `file` for a GGUF file, or `format = \"safetensors\"` for a checkpoint";
                reader.at(place, "neither or both of `file` and `format`", fix);
                HubContent::Safetensors
            }
        };
        if let Some(bytes) = self.bytes.as_ref().filter(|bytes| *bytes.get_ref() == 0) {
            reader.at(bytes.span(), "a file of 0 bytes", "leave `bytes` out where nobody read the size");
        }
        HubFile {
            repo: repository(&self.repo, self.commit.as_ref(), reader),
            content,
            precision: self.precision.into_inner().into(),
            bytes: self.bytes.map(|bytes| Bytes::new(bytes.into_inner())),
        }
    }
}

fn file_name(file: Spanned<String>, reader: &mut Reader<'_>) -> String {
    let name = file.get_ref();
    if name.is_empty() || name.starts_with('/') || name.split('/').any(|part| part == "..") {
        reader.at(
            file.span(),
            format!("`{name}` is no file of a repository"),
            "give its path in the repository",
        );
    }
    file.into_inner()
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
        let gap = published.abs_diff(derived);
        let is_near = count_as_f64(gap) <= PARAMETER_TOLERANCE * count_as_f64(derived);
        if !is_near && gap > self.rounded_to.unwrap_or(0) {
            let problem = format!("the shape has {derived} parameters, {published} are published");
            let fix = "correct the shape or the count; they may differ by 0.5 %, or by `rounded_to`";
            reader.at(self.count.span(), problem, fix);
            return None;
        }
        let source = self.source.into_inner();
        Some(PublishedParameters { count: published, rounded_to: self.rounded_to, note: self.note, source })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::model::Family;

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
        let defaults: Vec<_> = registry.defaults().map(|model| model.id.as_str()).collect();
        assert_eq!(defaults, ["r1-distill-qwen-1.5b", "mistral-7b-v0.3"]);
        assert_eq!(registry.models().iter().filter(|model| model.role == ModelRole::Measure).count(), 14);
        let tested: Vec<_> = registry.test_shapes().map(|model| model.shape.family).collect();
        assert!(Family::ALL.iter().all(|family| tested.contains(family)), "{tested:?}");
    }

    #[test]
    fn every_published_count_is_met_within_half_a_percent_or_the_step_it_is_printed_in() {
        let registry = Registry::parse("models.toml", MODELS).unwrap();
        for model in registry.models().iter().filter(|model| model.role == ModelRole::Measure) {
            let published = model.published.as_ref().unwrap();
            let (gap, step) = (published.count.abs_diff(model.shape.parameters()), published.rounded_to);
            let is_near = gap * 200 <= published.count || step.is_some_and(|step| gap <= step);
            assert!(is_near, "{}: {} parameters", model.id, model.shape.parameters());
            // A coarse number is at most that: one printed with a digit after the point.
            assert!(step.is_none_or(|step| step * 20 <= published.count), "{}", model.id);
        }
    }

    #[test]
    fn a_restricted_or_gated_model_is_never_a_default() {
        let registry = Registry::parse("models.toml", MODELS).unwrap();
        let bound = registry.models().iter().filter(|model| model.licence.needs_consent());
        assert_eq!(
            bound.map(|model| (model.id.as_str(), model.default)).collect::<Vec<_>>(),
            [("r1-distill-llama-8b", false), ("deepseek-v2-lite", false), ("ministral-8b-2410", false)]
        );
        for key in ["restricted", "gated"] {
            let text = MODELS.replacen(&format!("{key} = false"), &format!("{key} = true"), 1);
            let problem = "a restricted or gated model cannot be a default".to_owned();
            assert_eq!(faults(&text), [(line_of(&text, "default = true"), problem)]);
        }
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
    fn weights_are_one_file_or_a_checkpoint_and_never_both() {
        let registry = Registry::parse("models.toml", MODELS).unwrap();
        for model in registry.models().iter().filter(|model| model.role == ModelRole::Measure) {
            let file = model.file(Precision::BF16).unwrap();
            assert_eq!(file.content, HubContent::Safetensors, "{}", model.id);
            // Publishers' own repositories; the instruct ones of Ministral 3 hold 8-bit floats.
            let of_publisher =
                ["deepseek-ai/", "mistralai/"].iter().any(|owner| file.repo.repo.starts_with(owner));
            let is_fp8 = file.repo.repo.contains("Ministral-3-") && !file.repo.repo.ends_with("-BF16");
            assert!(of_publisher && !is_fp8, "{}", file.repo.repo);
        }
        let named = "\nformat = \"safetensors\"";
        for wrong in ["\n", "\nfile = \"x\"\nformat = \"safetensors\""] {
            let wrong = MODELS.replacen(named, wrong, 1);
            let found = faults(&wrong);
            assert_eq!(found.len(), 1, "{found:?}");
            assert_eq!(found[0].1, "neither or both of `file` and `format`");
        }
    }

    #[test]
    fn an_unknown_schema_is_refused() {
        assert_eq!(faults(&MODELS.replacen("schema = 1", "schema = 2", 1))[0].1, "schema 2 is not known");
    }
}

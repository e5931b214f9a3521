//! Files of the user on the command line: which `--model` values are paths, and the models they give.

use std::path::Path;

use crate::model::{LocalModel, Registry};

/// True if a `--model` value is a path and no id: it holds a separator, ends with `.gguf`, or names something that exists
/// and that the registry does not know. `./name` is always a path.
pub(super) fn is_path(value: &str, registry: &Registry) -> bool {
    looks_like_path(value) || (registry.get(value).is_none() && Path::new(value).exists())
}

/// The same, by the text alone.
fn looks_like_path(value: &str) -> bool {
    let is_gguf = Path::new(value).extension().is_some_and(|end| end.eq_ignore_ascii_case("gguf"));
    is_gguf || value.contains(|c: char| c == '/' || std::path::is_separator(c))
}

/// The models behind the paths among `values`, in their order; each file once.
pub(super) fn open(values: &[String], registry: &Registry) -> anyhow::Result<Vec<LocalModel>> {
    let mut models: Vec<LocalModel> = Vec::new();
    for value in values.iter().filter(|value| is_path(value, registry)) {
        if models.iter().any(|model| model.path == Path::new(value)) {
            continue;
        }
        let is_taken =
            |id: &str| registry.get(id).is_some() || models.iter().any(|model| model.spec.id.as_str() == id);
        let model = LocalModel::open(Path::new(value), is_taken)?;
        models.push(model);
    }
    Ok(models)
}

/// The id that a `--model` value stands for.
pub(super) fn id(value: &str, models: &[LocalModel]) -> String {
    let behind = models.iter().find(|model| model.path == Path::new(value));
    behind.map_or_else(|| value.to_owned(), |model| model.spec.id.to_string())
}

/// A `--model` value as the run file keeps it: of a path only its last part, written so that it still reads as a path,
/// and quoted as a shell wants it.
pub(super) fn recorded(value: &str, models: &[LocalModel]) -> String {
    let Some(model) = models.iter().find(|model| model.path == Path::new(value)) else {
        return value.to_owned();
    };
    let name = model.file_name();
    let text = if looks_like_path(&name) { name } else { format!("./{name}") };
    shlex::try_quote(&text).map_or_else(|_| text.clone(), std::borrow::Cow::into_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_paths_are_told_apart() {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        for path in ["model.gguf", "MODEL.GGUF", "./model", "/a/b", "src"] {
            assert!(is_path(path, &registry), "{path}");
        }
        for id in ["mistral-7b-v0.3", "mistral", "model.gguf.part"] {
            assert!(!is_path(id, &registry), "{id}");
        }
    }
}

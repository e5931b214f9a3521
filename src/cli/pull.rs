//! `claimbench pull`: real weights into the hub's cache, after their terms were shown and, where they bind, accepted.

use std::io::{BufRead, IsTerminal};

use super::arguments::PullArgs;
use super::{Catalog, Status, Terminal};
use crate::model::{Hub, HubFile, ModelSpec, Precision, inspect};

pub(super) fn execute(args: &PullArgs, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let catalog = Catalog::shipped()?;
    let known = || catalog.models.ids().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let Some(model) = catalog.models.get(&args.model) else {
        anyhow::bail!("no model `{}`; known are {}", args.model, known());
    };
    let Some(file) = model.file(args.precision) else {
        anyhow::bail!("models.toml names no real weights of {} as {}", model.id, args.precision.id());
    };
    // The terms come before the first byte.
    for line in terms(model, file, args.precision) {
        terminal.say(&line);
    }
    if args.dry_run {
        return Ok(Status::Good);
    }
    if model.licence.needs_consent() && !args.accept_licence && !asked(model, terminal) {
        anyhow::bail!(
            "nothing was downloaded: the licence of {} has to be accepted first; read it in its repository, then repeat \
             with --accept-licence",
            model.id
        );
    }
    let fetched = Hub::from_environment()?.fetch(file)?;
    let header = inspect(&fetched.path)?;
    if let Some((name, found, expected)) = header.differences(&model.shape).first() {
        anyhow::bail!(
            "the file's {name} is {found}, models.toml says {expected}: correct the entry of {}",
            model.id
        );
    }
    terminal.data(&fetched.path.display().to_string())?;
    terminal.say(&format!(
        "commit {}; next: claimbench run --model {} --precision {} --weights real",
        fetched.commit,
        model.id,
        args.precision.id()
    ));
    Ok(Status::Good)
}

/// What a user has to know before a download: whose weights, under which terms, which file, how large.
fn terms(model: &ModelSpec, file: &HubFile, precision: Precision) -> Vec<String> {
    let licence = &model.licence;
    let mut lines =
        vec![format!("{} by {}: licence {} ({})", model.name, model.publisher, licence.name, licence.note)];
    if licence.restricted {
        lines.push("restricted: the licence forbids some uses".to_owned());
    }
    if licence.gated {
        lines.push("gated: the hub asks for consent or an account first".to_owned());
    }
    let size = match file.bytes {
        Some(bytes) => format!("{:.2} GB", bytes.as_f64() / 1e9),
        None => format!("about {:.2} GB", model.tensor_bytes(precision).as_f64() / 1e9),
    };
    let commit = file.repo.commit.as_deref().map_or(String::new(), |commit| format!(" at {commit}"));
    lines.push(format!("file {}/{}{commit}, {size}", file.repo.repo, file.file));
    lines
}

/// Asks on a terminal; where nobody can answer, the answer is no.
fn asked(model: &ModelSpec, terminal: &mut Terminal) -> bool {
    let stdin = std::io::stdin();
    if !stdin.is_terminal() {
        return false;
    }
    terminal.say(&format!("do you accept the {} of {}? Type yes", model.licence.name, model.name));
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer).is_ok_and(|_| answer.trim().eq_ignore_ascii_case("yes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Registry;

    fn terms_of(id: &str, precision: Precision) -> String {
        let registry = Registry::parse("models.toml", include_str!("../../models.toml")).unwrap();
        let model = registry.get(id).unwrap();
        terms(model, model.file(precision).unwrap(), precision).join("\n")
    }

    #[test]
    fn terms_name_the_licence_its_restrictions_the_file_and_its_size() {
        assert_eq!(
            terms_of("ministral-8b-2410", Precision::Q8_0),
            "Ministral-8B-Instruct-2410 by Mistral AI: licence Mistral Research License (research only: commercial use \
             needs another licence from Mistral AI)\nrestricted: the licence forbids some uses\nfile \
             bartowski/Ministral-8B-Instruct-2410-GGUF/Ministral-8B-Instruct-2410-Q8_0.gguf, about 8.52 GB"
        );
        let open = terms_of("mistral-7b-v0.3", Precision::Q4KM);
        assert!(open.contains("Apache-2.0") && open.ends_with(", 4.37 GB"), "{open}");
        let pinned = terms_of("ministral-3-3b", Precision::Q4KM);
        assert!(pinned.ends_with(" at eb599d408350ea2bb60452cb86be7c7b2fc28227, 2.15 GB"), "{pinned}");
    }
}

//! `claimbench pull`: real weights into the hub's cache, after their terms were shown and, where they bind, accepted.

mod bars;

use std::io::{BufRead, IsTerminal};
use std::path::Path;

use super::arguments::PullArgs;
use super::{Catalog, Status, Terminal};
use crate::hub::{Fetched, Hub, ModelsLock, PullPlan};
use crate::model::{
    CheckpointFolder, HubContent, HubFile, ModelSpec, Precision, Registry, free_disk, inspect,
};
use crate::units::{Bytes, count_as_f64};
use bars::{Bars, size};

/// A model, and the weights of it that are wanted.
struct Chosen<'a> {
    model: &'a ModelSpec,
    precision: Precision,
    file: &'a HubFile,
}

pub(super) fn execute(args: &PullArgs, terminal: &mut Terminal) -> anyhow::Result<Status> {
    let catalog = Catalog::shipped()?;
    let chosen = choose(args, &catalog.models)?;
    // The terms come before the first byte.
    for choice in &chosen {
        for line in terms(choice) {
            terminal.say(&line);
        }
    }
    if args.dry_run {
        return Ok(Status::Good);
    }
    for Chosen { model, .. } in &chosen {
        if model.licence.needs_consent() && !args.accept_licence && !asked(model, terminal) {
            anyhow::bail!(
                "nothing was downloaded: the licence of {} has to be accepted first; read it in its repository, then \
                 repeat with --accept-licence",
                model.id
            );
        }
    }
    bring(&chosen, &Hub::from_environment()?, &ModelsLock::path()?, args.update, terminal)?;
    Ok(Status::Good)
}

/// Plans all of it, makes sure that it fits, fetches what is missing, and locks what is there.
fn bring(
    chosen: &[Chosen<'_>],
    hub: &Hub,
    place: &Path,
    update: bool,
    terminal: &mut Terminal,
) -> anyhow::Result<()> {
    let written = ModelsLock::read(place)?;
    let lock = if update { ModelsLock::default() } else { written };
    let (mut plans, mut bars) = (Vec::new(), Bars::default());
    for choice in chosen {
        let plan = hub.plan(choice.file, &lock, &mut |event| bars.show(event, terminal))?;
        for line in announced(choice, &plan) {
            terminal.note(&line);
        }
        plans.push(plan);
    }
    check_room(&plans, hub.cache())?;
    for (choice, plan) in chosen.iter().zip(&plans) {
        let (fetched, entries) = hub.fetch(plan, &lock, &mut |event| bars.show(event, terminal))?;
        ModelsLock::keep(place, &entries)?;
        check_shape(choice.model, choice.file, &fetched)?;
        terminal.data(&fetched.path.display().to_string())?;
        terminal.say(&format!(
            "commit {}; next: claimbench run --model {} --precision {} --weights real",
            fetched.commit,
            choice.model.id,
            choice.precision.id()
        ));
    }
    terminal.note(&format!("digests are in {}", place.display()));
    Ok(())
}

/// The models named, or the default ones; each at the precision named, or at its first.
fn choose<'a>(args: &PullArgs, models: &'a Registry) -> anyhow::Result<Vec<Chosen<'a>>> {
    let known = || models.ids().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let mut wanted: Vec<&ModelSpec> = Vec::new();
    for id in &args.models {
        let Some(model) = models.get(id) else { anyhow::bail!("no model `{id}`; known are {}", known()) };
        if !wanted.iter().any(|there| there.id == model.id) {
            wanted.push(model);
        }
    }
    if wanted.is_empty() {
        wanted = models.defaults().collect();
    }
    let mut chosen = Vec::new();
    for model in wanted {
        let precision = args.precision.or_else(|| model.default_precision());
        let file = precision.and_then(|precision| Some((precision, model.file(precision)?)));
        let Some((precision, file)) = file else {
            let precision = precision.map_or("any precision", Precision::id);
            anyhow::bail!("models.toml names no real weights of {} as {precision}", model.id);
        };
        chosen.push(Chosen { model, precision, file });
    }
    Ok(chosen)
}

/// What a user has to know before a download: whose weights, under which terms, which file, how large.
fn terms(choice: &Chosen<'_>) -> Vec<String> {
    let Chosen { model, file, .. } = choice;
    let licence = &model.licence;
    let mut lines =
        vec![format!("{} by {}: licence {} ({})", model.name, model.publisher, licence.name, licence.note)];
    if licence.restricted {
        lines.push("restricted: the licence forbids some uses".to_owned());
    }
    if licence.gated {
        lines.push("gated: the hub asks for consent or an account first".to_owned());
    }
    let bytes = match (file.bytes, about(choice)) {
        (Some(bytes), _) => format!("{:.2} GB", bytes.as_f64() / 1e9),
        (None, Some(bytes)) => format!("about {:.2} GB", bytes / 1e9),
        (None, None) => "size not known yet".to_owned(),
    };
    let commit = file.repo.commit.as_deref().map_or(String::new(), |commit| format!(" at {commit}"));
    lines.push(format!("file {}{commit}, {bytes}", file.label()));
    lines
}

/// The size that follows from the shape, without what stands beside the weights.
fn about(choice: &Chosen<'_>) -> Option<f64> {
    match choice.precision {
        Precision::BF16 | Precision::F16 => Some(2.0 * count_as_f64(choice.model.shape.parameters())),
        precision => precision.recipe().map(|_| choice.model.tensor_bytes(precision).as_f64()),
    }
}

/// What the hub or the cache says about the files, before any of them comes.
fn announced(choice: &Chosen<'_>, plan: &PullPlan) -> Vec<String> {
    let (all, missing) = (plan.bytes(), plan.missing());
    let files = match plan.files().count() {
        1 => "1 file".to_owned(),
        count => format!("{count} files"),
    };
    let mut lines =
        vec![format!("{}: {files}, {}, {} to fetch", choice.file.label(), size(all), size(missing))];
    if let Some(expected) = choice.file.bytes.filter(|expected| *expected != all) {
        lines.push(format!(
            "models.toml was written for a file of {}, this one has {}",
            size(expected),
            size(all)
        ));
    }
    lines
}

/// Refuses what the disk has no room for; what is here already needs none.
fn check_room(plans: &[PullPlan], cache: &Path) -> anyhow::Result<()> {
    let needed = Bytes::new(plans.iter().map(|plan| plan.missing().count()).sum());
    let there = cache.ancestors().find(|folder| folder.exists());
    let Some(free) = there.and_then(free_disk) else { return Ok(()) };
    match lacking(needed, free) {
        None => Ok(()),
        Some(lacking) => anyhow::bail!(
            "nothing was downloaded: {} are to fetch and {} are free in {}, so {} are missing; free some space, or set \
             HF_HUB_CACHE to a folder on another disk",
            size(needed),
            size(free),
            cache.display(),
            size(lacking)
        ),
    }
}

fn lacking(needed: Bytes, free: Bytes) -> Option<Bytes> {
    needed.count().checked_sub(free.count()).filter(|lacking| *lacking > 0).map(Bytes::new)
}

/// Whether the files are of the model that `models.toml` describes.
fn check_shape(model: &ModelSpec, file: &HubFile, fetched: &Fetched) -> anyhow::Result<()> {
    let found = match file.content {
        HubContent::Gguf(_) => inspect(&fetched.path)?.shape,
        HubContent::Safetensors => CheckpointFolder::inspect(&fetched.path)?.shape,
    };
    match found.differences(&model.shape).first() {
        None => Ok(()),
        Some((name, found, expected)) => anyhow::bail!(
            "the file's {name} is {found}, models.toml says {expected}: correct the entry of {}",
            model.id
        ),
    }
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
    use crate::hub::HubSettings;
    use crate::model::{HubRepo, Recipe};

    fn registry() -> Registry {
        Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap()
    }

    fn arguments(models: &[&str], precision: Option<Precision>) -> PullArgs {
        let models = models.iter().map(ToString::to_string).collect();
        PullArgs { models, precision, accept_licence: false, update: false, dry_run: true }
    }

    fn terms_of(id: &str, precision: Precision) -> String {
        let registry = registry();
        terms(&choose(&arguments(&[id], Some(precision)), &registry).unwrap()[0]).join("\n")
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
        let whole = terms_of("mistral-7b-v0.3", Precision::BF16);
        assert!(
            whole.contains("file mistralai/Mistral-7B-Instruct-v0.3 (safetensors) at c170c708"),
            "{whole}"
        );
        assert!(whole.ends_with(", about 14.50 GB"), "{whole}");
    }

    #[test]
    fn without_a_name_the_default_models_are_meant_and_a_name_counts_once() {
        let registry = registry();
        let ids = |models: &[&str]| {
            let chosen = choose(&arguments(models, None), &registry).unwrap();
            chosen.iter().map(|choice| (choice.model.id.to_string(), choice.precision)).collect::<Vec<_>>()
        };
        let defaults: Vec<_> = registry
            .defaults()
            .map(|model| (model.id.to_string(), model.default_precision().unwrap()))
            .collect();
        assert_eq!(ids(&[]), defaults);
        assert_eq!(ids(&["ministral-3-3b", "ministral-3-3b"]).len(), 1);
        assert!(choose(&arguments(&["gpt-5"], None), &registry).is_err());
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "fills a cache")]
    fn what_is_in_the_cache_already_is_verified_locked_and_named_without_a_network() {
        const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";
        let folder = tempfile::tempdir().unwrap();
        let mut model = registry().get("tiny-qwen2").unwrap().clone();
        let drawn = crate::model::ensure_synthetic(folder.path(), &model, Recipe::Q4KM, 1, &mut |_| {});
        let snapshot = folder.path().join("models--owner--tiny/snapshots").join(COMMIT);
        std::fs::create_dir_all(&snapshot).unwrap();
        std::fs::rename(drawn.unwrap().path, snapshot.join("tiny.gguf")).unwrap();
        model.files = vec![HubFile {
            repo: HubRepo { repo: "owner/tiny".to_owned(), commit: Some(COMMIT.to_owned()) },
            content: HubContent::Gguf("tiny.gguf".to_owned()),
            precision: Precision::Q4KM,
            bytes: None,
        }];
        let hub = Hub::new(HubSettings::at("http://127.0.0.1:9", folder.path())).unwrap();
        let place = folder.path().join("models.lock");
        let bring = |model: &ModelSpec| {
            let chosen = Chosen { model, precision: Precision::Q4KM, file: &model.files[0] };
            bring(&[chosen], &hub, &place, false, &mut Terminal::on(std::io::sink(), std::io::sink(), false))
        };
        bring(&model).unwrap();
        let lock = ModelsLock::read(&place).unwrap();
        let digest = crate::model::sha256(&snapshot.join("tiny.gguf")).unwrap();
        assert_eq!(lock.get("owner/tiny", COMMIT, "tiny.gguf").unwrap().sha256, digest);
        model.shape.layers += 1;
        let error = bring(&model).unwrap_err().to_string();
        assert!(error.contains("the file's layers is") && error.contains("tiny-qwen2"), "{error}");
    }

    #[test]
    fn a_full_disk_is_told_by_how_much() {
        let lacking = |needed, free| lacking(Bytes::new(needed), Bytes::new(free));
        assert_eq!(lacking(10, 4), Some(Bytes::new(6)));
        assert_eq!((lacking(10, 10), lacking(0, 4)), (None, None));
    }
}

//! `claimbench pull`: real weights into the hub's cache.

use super::arguments::PullArgs;
use super::{Catalog, Status, Terminal};
use crate::model::{Hub, inspect};

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
    let gate = if model.licence.gated { "; gated: the hub asks for consent first" } else { "" };
    terminal.say(&format!("{}: licence {} ({}){gate}", model.name, model.licence.name, model.licence.note));
    let size = model.shape.bytes(args.precision).as_f64() / 1e9;
    terminal.say(&format!("fetching {}/{}, about {size:.2} GB", file.repo.repo, file.file));
    let fetched = Hub::from_environment()?.fetch(file)?;
    let header = inspect(&fetched.path)?;
    if let Some((name, found, expected)) = header.differences(&model.shape).first() {
        anyhow::bail!(
            "the file's {name} is {found}, models.toml says {expected}: correct the entry of {}",
            model.id
        );
    }
    terminal.data(&fetched.path.display().to_string())?;
    terminal
        .say(&format!("commit {}; next: claimbench run --model {} --weights real", fetched.commit, model.id));
    Ok(Status::Good)
}

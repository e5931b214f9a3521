//! Prints the ids of a text, one a line: `tokenise FILE < TEXT`. FILE is a GGUF file or a folder with `tokenizer.json`.
//!
//! Then a line `text` follows if the ids give the text back byte by byte, or `other text` if they do not, as with
//! vocabularies that change a text before they split it. With `--plain` no start or end mark is added.

#![expect(clippy::print_stdout, clippy::disallowed_methods, reason = "a tool of the terminal")]

use std::io;
use std::path::Path;

use anyhow::bail;
use claimbench::model::GgufFile;
use claimbench::text::{TextFolder, Tokenizer, VocabularySource};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (path, with_special) = match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        [path] => (Path::new(*path).to_owned(), true),
        ["--plain", path] => (Path::new(*path).to_owned(), false),
        _ => bail!("usage: tokenise [--plain] FILE < TEXT"),
    };
    let text = io::read_to_string(io::stdin())?;
    let tokenizer = open(&path)?;
    let ids = tokenizer.encode(&text, with_special)?;
    for id in &ids {
        println!("{id}");
    }
    let plain = tokenizer.decode(&tokenizer.encode(&text, false)?);
    println!("{}", if plain == text { "text" } else { "other text" });
    Ok(())
}

fn open(path: &Path) -> anyhow::Result<Tokenizer> {
    if path.is_dir() {
        return Ok(TextFolder::read(path)?.tokenizer()?);
    }
    Ok(VocabularySource::from_file(&GgufFile::open(path)?)?.tokenizer()?)
}

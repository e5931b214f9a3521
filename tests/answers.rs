//! What a model with real weights writes, through the program: a parrot, whose every token names the next one, says a known
//! sentence, and run file and page must hold it, split and timed, whatever happens on the way.

#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests read and write files; a failed helper fails its test"
)]

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use candle_core::{Device, Tensor};
use claimbench::measurement::{Answer, AnswerEnd, Measurement, NoAnswer, Outcome, Run, Stage, Unanswered};
use claimbench::model::{Recipe, Registry, write_synthetic};
use claimbench::text::PromptBook;
use serde_json::{Value, json};
use tempfile::TempDir;

/// The parrot's words; every byte follows as a token of its own, as byte-level vocabularies have them.
const WORDS: [&str; 10] =
    ["</s>", "[USER]", "[MODEL]", "<think>", "</think>", "ĠLet", "Ġme", "Ġsee", "Four", "Ġtokens"];
const SPECIAL: usize = 5;
/// Vocabulary and width: each token is a direction of its own.
const SIZE: usize = 272;
/// Few, so that an endless thought ends soon.
const POSITIONS: usize = 208;

/// What the parrot says after `[MODEL]`; the last word is followed by itself.
const THOUGHTFUL: [&str; 9] =
    ["[MODEL]", "<think>", "ĠLet", "Ġme", "Ġsee", "</think>", "Four", "Ġtokens", "</s>"];
const BRIEF: [&str; 4] = ["[MODEL]", "Four", "Ġtokens", "</s>"];
const ENDLESS: [&str; 5] = ["[MODEL]", "<think>", "ĠLet", "Ġme", "Ġsee"];

/// Every byte of a prompt is a token, so only its beginning is given.
const TEMPLATE: &str = "{% for message in messages %}[USER]{{ message.content[:40] }}{% endfor %}{% if add_generation_prompt %}[MODEL]{% endif %}";

/// Bytes as byte-level vocabularies write them: the printable ones as themselves, the rest from U+0100 on.
fn byte_characters() -> Vec<String> {
    let is_itself = |byte: u32| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut hidden = 0x100..;
    (0..256)
        .map(|byte| if is_itself(byte) { byte } else { hidden.next().unwrap() })
        .map(|code| char::from_u32(code).unwrap().to_string())
        .collect()
}

fn tokenizer(folder: &Path, template: &str) {
    let added = |(id, content): (usize, &&str)| {
        json!({ "id": id, "content": content, "special": true, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false })
    };
    let tokens = WORDS.map(str::to_owned).into_iter().chain(byte_characters());
    let vocab: serde_json::Map<String, Value> =
        tokens.zip(0..).map(|(token, id)| (token, json!(id))).collect();
    let byte_level =
        json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true });
    let whole = json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "post_processor": null,
        "added_tokens": WORDS.iter().enumerate().take(SPECIAL).map(added).collect::<Vec<_>>(),
        "pre_tokenizer": byte_level, "decoder": byte_level,
        "model": { "type": "BPE", "vocab": vocab, "merges": [], "dropout": null, "unk_token": null, "fuse_unk": false,
            "continuing_subword_prefix": null, "end_of_word_suffix": null, "byte_fallback": false, "ignore_merges": true },
    });
    fs::write(folder.join("tokenizer.json"), whole.to_string()).unwrap();
    let config = json!({ "eos_token": "</s>", "chat_template": template });
    fs::write(folder.join("tokenizer_config.json"), config.to_string()).unwrap();
}

/// A checkpoint whose layer adds nothing, and whose output matrix says of each token which one comes next.
fn parrot(folder: &Path, says: &[&str]) {
    fs::create_dir_all(folder).unwrap();
    let config = json!({
        "model_type": "llama", "hidden_size": SIZE, "intermediate_size": 32, "num_hidden_layers": 1, "vocab_size": SIZE,
        "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-6, "rope_theta": 10000.0,
        "max_position_embeddings": POSITIONS, "tie_word_embeddings": false, "hidden_act": "silu",
    });
    fs::write(folder.join("config.json"), config.to_string()).unwrap();
    let id = |word: &&str| WORDS.iter().position(|known| known == word).unwrap();
    let mut next: Vec<usize> = (0..SIZE).collect();
    for pair in says.windows(2) {
        next[id(&pair[0])] = id(&pair[1]);
    }
    let filled = |rows: usize, columns: usize, at: &dyn Fn(usize, usize) -> f32| {
        let values: Vec<f32> = (0..rows * columns).map(|i| at(i / columns, i % columns)).collect();
        Tensor::from_vec(values, (rows, columns), &Device::Cpu).unwrap()
    };
    let zeros = |rows, columns| filled(rows, columns, &|_, _| 0.0);
    let some =
        |rows, columns| filled(rows, columns, &|row, column| if row % 7 == column % 5 { 0.1 } else { -0.03 });
    let ones = || Tensor::ones(SIZE, candle_core::DType::F32, &Device::Cpu).unwrap();
    let is = |holds: bool| if holds { 1.0 } else { 0.0 };
    let layer = |name: &str| format!("model.layers.0.{name}.weight");
    let tensors: HashMap<String, Tensor> = [
        ("model.embed_tokens.weight".to_owned(), filled(SIZE, SIZE, &|row, column| is(row == column))),
        ("model.norm.weight".to_owned(), ones()),
        ("lm_head.weight".to_owned(), filled(SIZE, SIZE, &|row, column| is(next[column] == row))),
        (layer("input_layernorm"), ones()),
        (layer("post_attention_layernorm"), ones()),
        (layer("self_attn.q_proj"), some(SIZE, SIZE)),
        (layer("self_attn.k_proj"), some(SIZE / 2, SIZE)),
        (layer("self_attn.v_proj"), some(SIZE / 2, SIZE)),
        (layer("self_attn.o_proj"), zeros(SIZE, SIZE)),
        (layer("mlp.gate_proj"), some(32, SIZE)),
        (layer("mlp.up_proj"), some(32, SIZE)),
        (layer("mlp.down_proj"), zeros(SIZE, 32)),
    ]
    .into();
    candle_core::safetensors::save(&tensors, folder.join("model.safetensors")).unwrap();
}

struct Home {
    folder: TempDir,
}

impl Home {
    /// A folder with a parrot that says these words, its tokenizer and this template.
    fn with(says: &[&str], template: &str) -> Self {
        let home = Self { folder: tempfile::tempdir().unwrap() };
        parrot(&home.path("parrot"), says);
        tokenizer(&home.path("parrot"), template);
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_claimbench"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env("CLAIMBENCH_CACHE", self.path("cache"))
            .env("HF_HOME", self.path("hub"))
            .env("HF_ENDPOINT", "http://127.0.0.1:9")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        command
    }

    fn run_command(&self, model: &str, more: &[&str]) -> Command {
        let fixed = ["run", "--model", model, "--workload", "tiny", "--repetitions", "2", "--device", "cpu"];
        self.command(&[fixed.as_slice(), more].concat())
    }

    fn measure(&self, model: &str, more: &[&str]) -> Output {
        self.run_command(model, more).output().unwrap()
    }

    fn run_folder(&self) -> PathBuf {
        let mut runs: Vec<_> = fs::read_dir(self.path("target/claimbench"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(runs.len(), 1, "{runs:?}");
        runs.remove(0)
    }

    fn run(&self) -> Run {
        claimbench::record::load(&self.run_folder()).unwrap()
    }

    fn measurement(&self) -> Measurement {
        self.run().cases[0].outcome.measurement().clone()
    }

    fn page(&self, name: &str) -> String {
        fs::read_to_string(self.run_folder().join(name)).unwrap()
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn prompts() -> PromptBook {
    PromptBook::parse("prompts.toml", include_str!("../prompts.toml")).unwrap()
}

/// Asked in the order of the file, with the prompt's own words, and every time after the one before it.
fn check_common(answers: &[Answer]) {
    assert_eq!(answers.len(), prompts().prompts().len());
    for (answer, prompt) in answers.iter().zip(prompts().prompts()) {
        assert_eq!(
            (&answer.prompt, answer.language, &answer.question),
            (&prompt.id, prompt.language, &prompt.text)
        );
        // Two marks of the template; all other tokens are bytes.
        let given: String = prompt.text.chars().take(40).collect();
        assert_eq!(answer.prompt_tokens.count(), u64::try_from(given.len()).unwrap() + 2);
        assert!(answer.first_token.value() > 0.0 && answer.contradiction().is_none());
    }
}

#[test]
fn of_two_engines_the_first_answers() {
    let home = Home::with(&BRIEF, TEMPLATE);
    let output = home.measure("./parrot", &["--engine", "claimbench,candle-transformers"]);
    let rows = home.run().cases;
    let [own, other] = [0, 1].map(|row| rows[row].outcome.measurement());
    assert_eq!(own.unanswered, None, "{}", said(&output));
    check_common(&own.answers);
    assert_eq!((other.answers.len(), other.unanswered.as_ref()), (0, Some(&Unanswered::OtherCase)));
    assert_eq!(other.measured().count(), 2);
}

#[test]
fn thinking_and_answer_are_kept_apart_with_their_times() {
    let home = Home::with(&THOUGHTFUL, TEMPLATE);
    let output = home.measure("./parrot", &[]);
    // A debug build: measured, but not to be trusted.
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let measurement = home.measurement();
    assert_eq!(measurement.unanswered, None);
    assert_eq!(measurement.measured().count(), 2);
    check_common(&measurement.answers);
    for answer in &measurement.answers {
        assert_eq!((answer.thinking.as_deref(), answer.text.as_str()), (Some("Let me see"), "Four tokens"));
        assert_eq!(
            (answer.thinking_tokens.count(), answer.text_tokens.count()),
            (5, 3),
            "the end mark is a token"
        );
        assert_eq!(answer.end, AnswerEnd::Stop);
        let positions = u64::try_from(POSITIONS).unwrap();
        assert_eq!(answer.limit.count(), 1_024.min(positions - answer.prompt_tokens.count()));
        let answered = answer.first_answer_token.unwrap();
        assert!(answer.first_token < answered && answered < answer.whole);
    }
    assert!(
        said(&output).contains("puzzle-fr: 5 tokens of thinking, 3 of the answer (stop)"),
        "{}",
        said(&output)
    );
    let page = home.page("index.html");
    for part in [
        "What it wrote",
        "Let me see</blockquote>",
        "<blockquote lang=\"en\">Four tokens</blockquote>",
        "Pourquoi le ciel",
    ] {
        assert!(page.contains(part), "{part}");
    }
    assert!(home.page("fr.html").contains("Il a réfléchi pendant 5\u{a0}tokens et répondu en 3."));
}

#[test]
fn a_model_without_thinking_answers_at_once_and_only_where_asked() {
    let home = Home::with(&BRIEF, TEMPLATE);
    home.measure("./parrot", &[]);
    let measurement = home.measurement();
    check_common(&measurement.answers);
    for answer in &measurement.answers {
        assert_eq!((answer.thinking.as_deref(), answer.text.as_str()), (None, "Four tokens"));
        assert_eq!((answer.thinking_tokens.count(), answer.text_tokens.count()), (0, 3));
        assert_eq!(answer.first_answer_token, Ok(answer.first_token));
    }
    // The same checkpoint under two workloads is asked once, and a run can do without.
    fs::remove_dir_all(home.path("target")).unwrap();
    let output = home.measure("./parrot", &["--workload", "short-chat"]);
    let cases = home.run().cases;
    let [first, second] = [0, 1].map(|row| cases[row].outcome.measurement().clone());
    assert_eq!(first.answers.len() + second.answers.len(), prompts().prompts().len(), "{}", said(&output));
    assert_eq!(second.unanswered, Some(Unanswered::OtherCase));
    fs::remove_dir_all(home.path("target")).unwrap();
    home.measure("./parrot", &["--no-answers"]);
    let run = home.run();
    assert!(run.provenance.command.ends_with("--no-answers"), "{}", run.provenance.command);
    assert_eq!(run.cases[0].outcome.measurement().unanswered, Some(Unanswered::NotAsked));
    assert!(run.cases[0].outcome.measurement().answers.is_empty());
}

#[test]
fn an_endless_thought_is_cut_at_the_limit_and_has_no_answer() {
    let home = Home::with(&ENDLESS, TEMPLATE);
    home.measure("./parrot", &[]);
    let measurement = home.measurement();
    check_common(&measurement.answers);
    for answer in &measurement.answers {
        assert_eq!((answer.end, answer.output_tokens()), (AnswerEnd::Length, answer.limit));
        assert_eq!((answer.text.as_str(), answer.first_answer_token), ("", Err(NoAnswer::Thinking)));
        assert!(answer.thinking.as_ref().unwrap().starts_with("Let me see see see"));
    }
    assert!(home.page("index.html").contains("No answer: the output ended before its thinking did."));
}

#[test]
fn what_cannot_be_asked_costs_no_sample() {
    let home = Home::with(&BRIEF, "{{ raise_exception('only tools') }}");
    let reason = |more: &[&str]| {
        let _ = fs::remove_dir_all(home.path("target"));
        let output = home.measure("./parrot", more);
        assert_eq!(output.status.code(), Some(3), "{}", said(&output));
        let measurement = home.measurement();
        assert_eq!(measurement.measured().count(), 2);
        assert!(
            measurement.answers.is_empty() && matches!(home.run().cases[0].outcome, Outcome::Measured(_))
        );
        measurement.unanswered.unwrap()
    };
    assert!(matches!(reason(&[]), Unanswered::Text(why) if why.contains("only tools")));
    assert!(home.page("fr.html").contains("<span lang=\"en\">the chat template fails"));
    // Megabytes per token, which would be gigabytes per answer.
    let file = home.path("parrot/tokenizer.json");
    let good = fs::read_to_string(&file).unwrap();
    tokenizer(&home.path("parrot"), TEMPLATE);
    fs::write(&file, good.replace("\"Four\"", &format!("\"{}\"", "x".repeat(300_000)))).unwrap();
    assert!(matches!(reason(&[]), Unanswered::Text(why) if why.contains("at most 262144")));
    // The short questions fit, and what is longer than the model's positions does not.
    fs::write(&file, &good).unwrap();
    tokenizer(&home.path("parrot"), &TEMPLATE.replace("[:40]", ""));
    fs::remove_dir_all(home.path("target")).unwrap();
    home.measure("./parrot", &[]);
    let Measurement { answers, unanswered, .. } = home.measurement();
    assert_eq!(answers.len(), 2);
    assert!(matches!(unanswered, Some(Unanswered::Text(why)) if why.contains("longer than the model")));
    // A tokenizer of another model.
    let mut other: Value = serde_json::from_str(&good).unwrap();
    for id in WORDS.len() + 256..=SIZE {
        other["model"]["vocab"][format!("more{id}")] = json!(id);
    }
    fs::write(&file, other.to_string()).unwrap();
    assert!(matches!(reason(&[]), Unanswered::Text(why) if why.contains("different models")));
    fs::write(&file, "{").unwrap();
    assert!(matches!(reason(&[]), Unanswered::Text(why) if why.contains("tokenizer.json")));
    fs::remove_file(&file).unwrap();
    let Unanswered::Text(why) = reason(&[]) else { panic!("it was asked") };
    assert!(why.contains("cannot read tokenizer.json") && !why.contains("parrot/"), "{why}");
}

#[test]
fn a_gguf_file_is_asked_with_its_own_vocabulary_and_random_weights_are_not() {
    let home = Home { folder: tempfile::tempdir().unwrap() };
    let registry = Registry::parse("models.toml", include_str!("../models.toml")).unwrap();
    let mut bytes = Vec::new();
    write_synthetic(&mut bytes, registry.get("tiny-qwen2").unwrap(), Recipe::Q8_0, 1, NonZeroUsize::MIN)
        .unwrap();
    fs::write(home.path("random.gguf"), &bytes).unwrap();
    home.measure("random.gguf", &[]);
    let measurement = home.measurement();
    assert!(measurement.answers.is_empty() && measurement.unanswered.is_none());
    assert!(home.page("index.html").contains("Nothing that it wrote is shown"));
    // Without the mark nothing tells that its weights are not trained.
    let key = b"claimbench.synthetic";
    let at = bytes.windows(key.len()).position(|window| window == key).unwrap();
    bytes[at..at + key.len()].copy_from_slice(b"somebodys.own_marker");
    fs::write(home.path("trained.gguf"), &bytes).unwrap();
    fs::remove_dir_all(home.path("target")).unwrap();
    let (mut process, mut rest) = answered(home.run_command("trained.gguf", &[]).spawn().unwrap(), 1);
    assert!(Command::new("kill").args(["-INT", &process.id().to_string()]).status().unwrap().success());
    rest.read_to_string(&mut String::new()).unwrap();
    process.wait().unwrap();
    let measurement = home.measurement();
    assert_eq!(measurement.answers[0].prompt, prompts().prompts()[0].id);
    assert!(measurement.answers[0].prompt_tokens.count() > 10 && measurement.unanswered.is_none());
}

/// The process, once it has said that it answered `count` prompts.
fn answered(mut process: Child, count: usize) -> (Child, BufReader<std::process::ChildStderr>) {
    let mut lines = BufReader::new(process.stderr.take().unwrap());
    let mut seen = 0;
    while seen < count {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it ended before");
        seen += usize::from(line.contains("first token after"));
    }
    (process, lines)
}

#[test]
fn a_run_stopped_or_killed_between_answers_keeps_them_and_is_completed() {
    for signal in ["-INT", "-KILL"] {
        let home = Home::with(&ENDLESS, TEMPLATE);
        let (mut process, mut rest) = answered(home.run_command("./parrot", &[]).spawn().unwrap(), 2);
        assert!(Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap().success());
        rest.read_to_string(&mut String::new()).unwrap();
        let status = process.wait().unwrap();
        assert_eq!(status.code(), (signal == "-INT").then_some(130));
        let left = home.run();
        let Outcome::Failed(failure, kept) = &left.cases[0].outcome else { panic!("it looks whole") };
        assert_eq!((failure.stage, kept.measured().count()), (Stage::Interrupted, 2));
        assert!((2..10).contains(&kept.answers.len()), "{}", kept.answers.len());
        let folder = home.run_folder();
        let resume = ["run", "--resume", folder.to_str().unwrap(), "--model", "./parrot"];
        let output = home.command(&resume).output().unwrap();
        let completed = home.measurement();
        assert!(matches!(home.run().cases[0].outcome, Outcome::Measured(_)), "{}", said(&output));
        assert_eq!(completed.repetitions[..kept.repetitions.len()], kept.repetitions);
        assert_eq!(completed.answers[..kept.answers.len()], kept.answers);
        check_common(&completed.answers);
    }
}

#[test]
fn a_budget_leaves_answers_out_and_says_so() {
    let home = Home::with(&ENDLESS, TEMPLATE);
    let output = home.measure("./parrot", &["--budget", "2s"]);
    let measurement = home.measurement();
    assert!(measurement.measured().count() > 0, "{}", said(&output));
    assert!(measurement.answers.len() < 10, "{}", said(&output));
    let Some(Unanswered::Budget { needed, left }) = measurement.unanswered else {
        panic!("{}", said(&output))
    };
    assert!(needed > left);
    assert!(said(&output).contains("give a larger --budget"), "{}", said(&output));
}

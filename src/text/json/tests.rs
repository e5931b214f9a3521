//! Files that are broken, of another kind, or made to hurt: an error in time, and never a panic.

use serde_json::{Value, json};

use super::{Config, EndIds, Post, parse_tokenizer};
use crate::clock::{Clock, SystemClock};
use crate::model::byte_character;
use crate::text::error::TextError;

/// A small, sound file: all bytes, one merge, one mark.
fn sound() -> Value {
    let mut vocabulary: serde_json::Map<String, Value> =
        (0..=u8::MAX).map(|byte| (byte_character(byte).to_string(), json!(byte))).collect();
    vocabulary.insert("in".to_owned(), json!(256));
    json!({
        "version": "1.0",
        "added_tokens": [{"id": 257, "content": "<s>", "special": true}],
        "normalizer": null,
        "pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": false, "use_regex": true},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [257], "tokens": ["<s>"]}},
        },
        "decoder": {"type": "ByteLevel"},
        "model": {"type": "BPE", "vocab": vocabulary, "merges": ["i n"]},
    })
}

/// What makes a sound file broken.
type Change<'a> = &'a dyn Fn(&mut Value);

fn ids(file: &Value, text: &str) -> Result<Vec<u32>, TextError> {
    let (parts, _) = parse_tokenizer(&file.to_string())?;
    let (tokenizer, _) = parts.build()?;
    Ok(tokenizer.encode_fast(text, false).unwrap().get_ids().to_vec())
}

/// The sound file with one thing changed, and why it is refused.
fn refused(change: impl FnOnce(&mut Value)) -> String {
    let mut file = sound();
    change(&mut file);
    ids(&file, "in").unwrap_err().to_string()
}

#[test]
fn a_sound_file_gives_ids_and_marks() {
    let file = sound();
    assert_eq!(ids(&file, "in<s>i").unwrap(), [256, 257, u32::from(b'i')]);
    let (_, post) = parse_tokenizer(&file.to_string()).unwrap();
    assert_eq!(post, Post { before: vec![257], after: vec![] });
}

#[test]
fn a_vocabulary_that_contradicts_itself_is_refused() {
    let cases: [(&str, Change<'_>); 13] = [
        ("token 5 is", &|file| file["model"]["vocab"]["in"] = json!(5)),
        ("has the id 4000000000", &|file| file["model"]["vocab"]["in"] = json!(4_000_000_000_u32)),
        ("`<s>` is token 256 and token 257", &|file| {
            let vocabulary = file["model"]["vocab"].as_object_mut().unwrap();
            vocabulary.remove("in");
            vocabulary.insert("<s>".to_owned(), json!(256));
        }),
        ("token 256 is `in` and `<s>`", &|file| file["added_tokens"][0]["id"] = json!(256)),
        ("the added token 257 is empty", &|file| file["added_tokens"][0]["content"] = json!("")),
        ("byte 0x61 has no token", &|file| {
            file["model"]["vocab"].as_object_mut().unwrap().remove("a");
        }),
        ("`iq` is no token", &|file| file["model"]["merges"] = json!(["i q"])),
        ("`zzzzzz` is no token", &|file| file["model"]["merges"] = json!([["zzzzzz", "i"]])),
        ("is not two texts", &|file| file["model"]["merges"] = json!(["in"])),
        ("a merge of more than two texts", &|file| file["model"]["merges"] = json!([["i", "n", "g"]])),
        ("there is no token", &|file| file["model"]["vocab"] = json!({})),
        ("do not agree", &|file| file["pre_tokenizer"] = json!(null)),
        ("the mark `<s>` is put around texts and has no id", &|file| {
            file["post_processor"]["special_tokens"] = json!({});
        }),
    ];
    for (words, change) in cases {
        let message = refused(change);
        assert!(message.contains(words), "`{words}` is not in: {message}");
    }
    let twice = sound().to_string().replacen("\"in\":256", "\"in\":256,\"in\":258", 1);
    let message = parse_tokenizer(&twice).unwrap().0.build().unwrap_err().to_string();
    assert!(message.contains("`in` is token 256 and token 258"), "{message}");
}

#[test]
fn what_is_not_known_is_refused_by_name() {
    let cases: [(&str, Change<'_>); 10] = [
        ("`Unigram`", &|file| {
            file["model"] = json!({"type": "Unigram", "vocab": [["a", -1.0]], "unk_id": 0});
        }),
        ("`dropout`", &|file| file["model"]["dropout"] = json!(0.1)),
        ("`end_of_word_suffix`", &|file| file["model"]["end_of_word_suffix"] = json!("</w>")),
        ("`BertNormalizer`", &|file| file["normalizer"] = json!({"type": "BertNormalizer"})),
        ("`Precompiled`", &|file| {
            file["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": "AAAA"});
        }),
        ("`Whitespace`", &|file| {
            file["pre_tokenizer"] = json!({"type": "Sequence", "pretokenizers": [
            {"type": "ByteLevel", "add_prefix_space": false}, {"type": "Whitespace"}]});
        }),
        ("`BertProcessing`", &|file| file["post_processor"] = json!({"type": "BertProcessing"})),
        ("`WordPiece`", &|file| file["decoder"] = json!({"type": "WordPiece"})),
        ("`CTC`", &|file| {
            file["decoder"] = json!({"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "CTC"}]});
        }),
        ("no `decoder`", &|file| file["decoder"] = json!(null)),
    ];
    for (words, change) in cases {
        let message = refused(change);
        assert!(message.contains(words), "`{words}` is not in: {message}");
    }
}

#[test]
fn wrong_types_and_broken_patterns_are_errors() {
    for (key, value) in [
        ("decoder", json!("ByteLevel")),
        ("decoder", json!({"type": 5})),
        ("decoder", json!([])),
        ("model", json!(null)),
        ("model", json!({"vocab": 5, "merges": []})),
        ("model", json!({"vocab": {"a": -1}, "merges": []})),
        ("model", json!({"vocab": {"a": "b"}, "merges": []})),
        ("added_tokens", json!({"a": 1})),
        ("added_tokens", json!([{"id": 1}])),
        ("post_processor", json!({"type": "TemplateProcessing", "single": ["<s>"]})),
        ("post_processor", json!({"type": "TemplateProcessing", "single": []})),
        ("pre_tokenizer", json!({"type": "Split"})),
        ("pre_tokenizer", json!({"type": "Split", "pattern": {"Regex": "["}, "behavior": "Isolated"})),
        (
            "pre_tokenizer",
            json!({"type": "Split", "pattern": {"Regex": "\\p{L}{999}{999}{999}"}, "behavior": "Isolated"}),
        ),
        (
            "pre_tokenizer",
            json!({"type": "Split", "pattern": {"Regex": "a".repeat(20_000)}, "behavior": "Isolated"}),
        ),
        ("pre_tokenizer", json!({"type": "Split", "pattern": {"String": "a"}, "behavior": "Sideways"})),
        ("normalizer", json!({"type": "Replace", "pattern": {"Regex": "(?<"}, "content": ""})),
    ] {
        refused(|file| file[key] = value);
    }
    for text in ["", "{", "[]", "null", "\u{0}", "{\"model\":{}}", "{\"model\":{\"type\":\"BPE\"}}"] {
        assert!(parse_tokenizer(text).is_err(), "{text}");
    }
    let sound = sound().to_string();
    for end in (0..sound.len()).step_by(97).filter(|&end| sound.is_char_boundary(end)) {
        assert!(parse_tokenizer(&sound[..end]).is_err(), "cut at {end}");
    }
}

/// Files whose only aim is to take time or memory.
#[test]
fn files_made_to_hurt_are_refused_within_a_second() {
    let nested = |open: &str, close: &str, depth: usize| open.repeat(depth) + &close.repeat(depth);
    let sequences = nested("{\"type\":\"Sequence\",\"normalizers\":[", "]}", 10_000);
    let many = |entry: &str, count: usize| vec![entry; count].join(",");
    let hostile = [
        nested("[", "]", 1_000_000),
        nested("{\"a\":", "}", 1_000),
        format!("{{\"normalizer\":{sequences}}}"),
        format!(
            "{{\"normalizer\":{{\"type\":\"Sequence\",\"normalizers\":[{}]}}}}",
            many("{\"type\":\"NFC\"}", 1_000)
        ),
        format!("{{\"model\":{{\"merges\":[{}]}}}}", many("\"a b\"", 700_000)),
        format!("{{\"model\":{{\"vocab\":{{{}}}}}}}", many("\"a\":1", 400_000)),
        format!("{{\"added_tokens\":[{}]}}", many("{\"id\":1,\"content\":\"a\"}", 30_000)),
    ];
    let clock = SystemClock::new();
    for text in hostile {
        let start = clock.now();
        assert!(parse_tokenizer(&text).is_err());
        let took = start.until(clock.now()).value();
        // Unoptimised and on a busy machine; optimised code takes a hundredth of it.
        assert!(took < 10.0, "{} took {took} s", &text[..40]);
    }
}

#[test]
fn the_small_files_have_two_forms_each() {
    let config = |text: &str| Config::parse("tokenizer_config.json", text);
    let plain =
        config(r#"{"bos_token": "<s>", "eos_token": null, "add_bos_token": true, "chat_template": "x"}"#)
            .unwrap();
    assert_eq!(
        (plain.bos(), plain.eos(), plain.add_bos_token, plain.chat_template()),
        (Some("<s>"), None, Some(true), Some("x"))
    );
    let rich = config(
        r#"{"bos_token": {"__type": "AddedToken", "content": "<b>", "lstrip": false},
            "chat_template": [{"name": "tool_use", "template": "t"}, {"name": "default", "template": "d"}],
            "added_tokens_decoder": {"1": {"content": "<s>"}}, "model_max_length": 1e30}"#,
    )
    .unwrap();
    assert_eq!((rich.bos(), rich.chat_template()), (Some("<b>"), Some("d")));
    for broken in [r#"{"bos_token": 5}"#, r#"{"bos_token": {}}"#, r#"{"chat_template": {}}"#, "[]"] {
        assert!(config(broken).is_err(), "{broken}");
    }
    let ends = |text: &str| EndIds::parse("generation_config.json", text).map(|ends| ends.ids().to_vec());
    assert_eq!(ends(r#"{"eos_token_id": 2}"#).unwrap(), [2]);
    assert_eq!(ends(r#"{"eos_token_id": [128001, 128009]}"#).unwrap(), [128_001, 128_009]);
    assert_eq!(ends("{}").unwrap(), Vec::<u32>::new());
    for broken in [r#"{"eos_token_id": -1}"#, r#"{"eos_token_id": "</s>"}"#] {
        assert!(ends(broken).is_err(), "{broken}");
    }
}

/// Why the file is not handed to the `tokenizers` crate as it is.
#[test]
fn the_crates_own_reader_panics_or_says_nothing_where_ours_refuses() {
    let long =
        json!({"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0, "b": 1}, "merges": ["a b"]}});
    let text = long.to_string();
    let read = std::panic::catch_unwind(|| tokenizers::Tokenizer::from_bytes(text.as_bytes()).map(drop));
    assert!(read.is_err(), "it panics");
    assert!(parse_tokenizer(&text).and_then(|(parts, _)| parts.build()).is_err());
    let twice = r#"{"version": "1.0", "model": {"type": "BPE", "vocab": {"a": 0, "a": 1}, "merges": []}}"#;
    assert!(tokenizers::Tokenizer::from_bytes(twice).is_ok(), "it says nothing");
    assert!(parse_tokenizer(twice).and_then(|(parts, _)| parts.build()).is_err());
}

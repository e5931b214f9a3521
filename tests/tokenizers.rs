//! Small vocabularies in every form this program reads, against ids that the reference programs gave for them.
//!
//! `proof/check_tokenizers.py` made the fixture, with llama.cpp, mistral-common and the `tokenizers` package of Python.

#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "writes files for the reader under test; a failed helper fails its test"
)]

use std::fs;

use claimbench::text::{TextFolder, Tokenizer, VocabularySource};
use serde_json::Value;
use sha2::{Digest, Sha256};

const PAGE: &str = include_str!("data/page.txt");

fn fixture() -> Value {
    serde_json::from_str(include_str!("data/tokenizers.json")).unwrap()
}

fn digest(ids: &[u32]) -> String {
    let text: Vec<String> = ids.iter().map(u32::to_string).collect();
    claimbench::units::hexadecimal(&Sha256::digest(text.join(",")))
}

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn number(value: &Value) -> Option<u32> {
    value.as_u64().map(|id| u32::try_from(id).unwrap())
}

fn source(vocabulary: &Value) -> VocabularySource {
    let list = |key: &str| vocabulary[key].as_array().cloned().unwrap_or_default();
    VocabularySource {
        model: vocabulary["model"].as_str().unwrap().to_owned(),
        tokens: texts(&vocabulary["tokens"]),
        scores: list("scores").iter().map(|score| score.to_string().parse().unwrap()).collect(),
        token_types: list("token_type").iter().map(|kind| kind.to_string().parse().unwrap()).collect(),
        merges: texts(&Value::Array(list("merges"))),
        bos: number(&vocabulary["bos_token_id"]),
        eos: number(&vocabulary["eos_token_id"]),
        add_bos: vocabulary["add_bos_token"].as_bool(),
        ..VocabularySource::default()
    }
}

/// Both texts of the fixture have the reference's ids, and those give the texts back, marks apart.
fn check(name: &str, tokenizer: &Tokenizer, fixture: &Value, ids: &Value) {
    let page = tokenizer.encode(PAGE, true).unwrap();
    assert_eq!(Some(page.len()), ids["page_tokens"].as_u64().map(|n| usize::try_from(n).unwrap()), "{name}");
    assert_eq!(Some(digest(&page).as_str()), ids["page_sha256"].as_str(), "{name}");
    let marked = tokenizer.encode(fixture["marked"].as_str().unwrap(), true).unwrap();
    let wanted: Vec<u32> = ids["marked"].as_array().unwrap().iter().filter_map(number).collect();
    assert_eq!(marked, wanted, "{name}");
}

#[test]
fn the_fixture_is_of_this_page() {
    let page = claimbench::units::hexadecimal(&Sha256::digest(PAGE));
    let proof: Value = serde_json::from_str(include_str!("data/tokenizer-proof.json")).unwrap();
    for fixture in [fixture(), proof] {
        assert_eq!(fixture["page_sha256"].as_str(), Some(page.as_str()));
    }
}

#[test]
fn byte_level_vocabularies_split_as_their_rule_says() {
    let fixture = fixture();
    let small = &fixture["byte_level"];
    let rules = small["rules"].as_object().unwrap();
    assert_eq!(rules.len(), 10);
    let mut digests = Vec::new();
    for (rule, ids) in rules {
        let named = VocabularySource { pre: Some(rule.clone()), ..source(&small["vocabulary"]) };
        let tokenizer = named.tokenizer().unwrap();
        check(rule, &tokenizer, &fixture, ids);
        assert_eq!(tokenizer.decode(&tokenizer.encode(PAGE, true).unwrap()), PAGE, "{rule}");
        digests.push(ids["page_sha256"].as_str().unwrap());
    }
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), 8, "of the ten, two rules have another name for one of the others");
}

#[test]
fn scores_join_as_sentencepiece_does() {
    let fixture = fixture();
    let small = &fixture["sentence_piece"];
    for (name, adds_space) in [("with_space", true), ("without_space", false)] {
        let spaced = VocabularySource { add_space_prefix: Some(adds_space), ..source(&small["vocabulary"]) };
        let tokenizer = spaced.tokenizer().unwrap();
        check(name, &tokenizer, &fixture, &small["spaces"][name]);
        assert_eq!(tokenizer.decode(&tokenizer.encode(PAGE, true).unwrap()), PAGE, "{name}");
    }
}

#[test]
fn every_form_of_tokenizer_json_gives_the_ids_and_the_text_of_its_own_library() {
    let fixture = fixture();
    let files = fixture["tokenizer_json"].as_array().unwrap();
    assert_eq!(files.len(), 6);
    for file in files {
        let name = file["name"].as_str().unwrap();
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("tokenizer.json"), file["file"].to_string()).unwrap();
        let tokenizer = TextFolder::read(folder.path()).unwrap().tokenizer().unwrap();
        check(name, &tokenizer, &fixture, &file["ids"]);
        for (text, key) in [(PAGE, "page"), (fixture["marked"].as_str().unwrap(), "marked")] {
            let wanted = file["texts"][key].as_str().unwrap_or(text);
            assert_eq!(tokenizer.decode(&tokenizer.encode(text, true).unwrap()), wanted, "{name}, {key}");
        }
    }
}

/// The engine that matches patterns gives up after many steps back, in silence; the longest text must not get there.
#[test]
fn the_longest_text_is_split_to_its_end_whatever_it_is_made_of() {
    let fixture = fixture();
    let small = &fixture["byte_level"];
    let length = 1 << 19;
    for (rule, unit) in [("qwen2", " "), ("tekken", "A"), ("deepseek-llm", "\t "), ("default", "7")] {
        let named = VocabularySource { pre: Some(rule.to_owned()), ..source(&small["vocabulary"]) };
        let tokenizer = named.tokenizer().unwrap();
        // Left unsplit, the tail would be one piece, and the merges, which cross words, would make other ids of it.
        let tail = "x the model, a b";
        let run = unit.repeat((length - tail.len()) / unit.len());
        let ids = tokenizer.encode(&format!("{run}{tail}"), false).unwrap();
        let alone = tokenizer.encode(tail, false).unwrap();
        assert!(ids.ends_with(&alone[alone.len() - 6..]), "{rule} after {unit:?}");
        assert!(tokenizer.encode(&"a".repeat(length + 1), false).is_err());
    }
}

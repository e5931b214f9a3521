//! Vocabularies of GGUF files that contradict themselves or cannot be read rightly: an error that names what is wrong.

#![expect(clippy::disallowed_methods, reason = "tests write the files they read")]

use super::source::VocabularySource;
use crate::model::{GgufFile, GgufValue as Value, byte_character, gguf_header};

/// All bytes, one merge and two marks.
fn pairs() -> VocabularySource {
    let mut tokens: Vec<String> = (0..=u8::MAX).map(|byte| byte_character(byte).to_string()).collect();
    tokens.extend(["in", "<s>", "</s>"].map(str::to_owned));
    let mut token_types = vec![1; 257];
    token_types.extend([3, 3]);
    VocabularySource {
        model: "gpt2".to_owned(),
        pre: Some("qwen2".to_owned()),
        tokens,
        token_types,
        merges: vec!["i n".to_owned()],
        bos: Some(257),
        eos: Some(258),
        ..VocabularySource::default()
    }
}

/// The unknown, two marks, all bytes and two words with scores.
fn scores() -> VocabularySource {
    let mut tokens: Vec<String> = ["<unk>", "<s>", "</s>"].map(str::to_owned).into();
    tokens.extend((0..=u8::MAX).map(|byte| format!("<0x{byte:02X}>")));
    tokens.extend(["▁", "i", "n", "in", "▁in"].map(str::to_owned));
    let mut token_types = vec![2, 3, 3];
    token_types.extend([6; 256]);
    token_types.extend([1; 5]);
    VocabularySource {
        model: "llama".to_owned(),
        scores: (0_u16..).take(tokens.len()).map(|at| -f32::from(at)).collect(),
        tokens,
        token_types,
        bos: Some(1),
        eos: Some(2),
        ..VocabularySource::default()
    }
}

/// What makes a sound vocabulary broken.
type Change<'a> = &'a dyn Fn(&mut VocabularySource);

fn refused(mut source: VocabularySource, change: impl FnOnce(&mut VocabularySource)) -> String {
    change(&mut source);
    source.tokenizer().unwrap_err().to_string()
}

#[test]
fn sound_vocabularies_of_both_kinds_are_read() {
    let tokenizer = pairs().tokenizer().unwrap();
    assert_eq!(tokenizer.encode("in<s>é", true).unwrap(), [256, 257, 0xc3, 0xa9], "qwen2 adds no start mark");
    assert_eq!(tokenizer.ends(), [258]);
    let tokenizer = VocabularySource { pre: Some("llama-bpe".to_owned()), ..pairs() }.tokenizer().unwrap();
    assert_eq!(tokenizer.encode("in", true).unwrap(), [257, 256], "llama-bpe does");
    let tokenizer = scores().tokenizer().unwrap();
    assert_eq!(tokenizer.encode("in", true).unwrap(), [1, 263]);
    assert_eq!(tokenizer.decode(&[1, 263, 263, 2]), "in in");
    let both =
        VocabularySource { add_bos: Some(false), add_eos: Some(true), ..scores() }.tokenizer().unwrap();
    assert_eq!(both.encode("in", true).unwrap(), [263, 2]);
}

#[test]
fn what_cannot_be_read_rightly_is_refused_by_name() {
    let cases: [(&str, Change<'_>); 12] = [
        ("`wordpiece`", &|source| source.model = "wordpiece".to_owned()),
        ("the rule `falcon`", &|source| source.pre = Some("falcon".to_owned())),
        ("`tokenizer.ggml.pre` is missing", &|source| source.pre = None),
        ("`tokenizer.ggml.merges` is missing or empty", &|source| source.merges.clear()),
        ("an entry without a space", &|source| source.merges.push("in".to_owned())),
        ("`ina` is no token", &|source| source.merges.push("in a".to_owned())),
        ("has 0 tokens", &|source| source.tokens.clear()),
        ("has 258 entries for 259 tokens", &|source| {
            source.token_types.pop();
        }),
        ("`in` is token 256 and token 258", &|source| source.tokens[258] = "in".to_owned()),
        ("byte 0x61 has no token", &|source| source.tokens[0x61] = "another".to_owned()),
        ("259 is beyond the 259 tokens", &|source| source.eos = Some(259)),
        ("`add_bos_token` asks for it", &|source| (source.add_bos, source.bos) = (Some(true), None)),
    ];
    for (words, change) in cases {
        let message = refused(pairs(), change);
        assert!(message.contains(words), "`{words}` is not in: {message}");
    }
    let cases: [(&str, Change<'_>); 5] = [
        ("`tokenizer.ggml.scores` is missing", &|source| source.scores.clear()),
        ("has the score NaN", &|source| source.scores[262] = f32::NAN),
        ("tokens 260 and 262 are the same text", &|source| source.tokens[262] = "i".to_owned()),
        ("byte 0x0a has no token", &|source| source.tokens[3 + 10] = "another".to_owned()),
        ("`add_bos_token` asks for it", &|source| source.bos = None),
    ];
    for (words, change) in cases {
        let message = refused(scores(), change);
        assert!(message.contains(words), "`{words}` is not in: {message}");
    }
}

#[test]
fn an_empty_token_is_never_found_in_a_text() {
    let mut source = pairs();
    source.tokens.push(String::new());
    source.token_types.push(1);
    let tokenizer = source.tokenizer().unwrap();
    assert_eq!(tokenizer.vocabulary_size(), 260);
    assert_eq!(tokenizer.encode("in", false).unwrap(), [256]);
}

#[test]
fn metadata_of_another_type_is_an_error_that_names_the_key() {
    let folder = tempfile::tempdir().unwrap();
    let read = |metadata: &[(String, Value)]| {
        let path = folder.path().join("vocabulary.gguf");
        std::fs::write(&path, gguf_header(metadata, &[])).unwrap();
        VocabularySource::from_file(&GgufFile::open(&path).unwrap())
    };
    let texts = |texts: &[&str]| Value::Texts(texts.iter().map(|text| (*text).to_owned()).collect());
    let sound = [
        ("tokenizer.ggml.model", Value::Text("gpt2".to_owned())),
        ("tokenizer.ggml.tokens", texts(&["a", "b"])),
        ("tokenizer.ggml.merges", texts(&["a b"])),
        ("tokenizer.ggml.token_type", Value::Ints(vec![1, 3])),
        ("tokenizer.ggml.bos_token_id", Value::U32(1)),
        ("tokenizer.ggml.add_bos_token", Value::Bool(true)),
    ]
    .map(|(key, value)| (key.to_owned(), value));
    let source = read(&sound).unwrap();
    assert_eq!((source.tokens.len(), source.token_types.len(), source.bos), (2, 2, Some(1)));
    assert_eq!(source.add_bos, Some(true));
    let wrong = [
        ("model", Value::U32(1)),
        ("tokens", Value::Ints(vec![1])),
        ("tokens", Value::Text("a".to_owned())),
        ("scores", texts(&["a"])),
        ("token_type", texts(&["a"])),
        ("bos_token_id", Value::U64(1 << 40)),
        ("eos_token_id", Value::F32(1.0)),
        ("add_bos_token", Value::U32(1)),
    ];
    for (key, value) in wrong {
        let key = format!("tokenizer.ggml.{key}");
        let mut metadata: Vec<_> = sound.iter().filter(|(known, _)| *known != key).cloned().collect();
        metadata.push((key.clone(), value));
        let message = read(&metadata).unwrap_err().to_string();
        assert!(message.contains(&key), "{message}");
    }
    assert!(read(&[]).unwrap_err().to_string().contains("ggml.model"));
}

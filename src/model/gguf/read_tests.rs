//! Headers as nobody should write them: each is refused with its reason, and none costs time, memory or the process.

use std::io::Cursor;
use std::num::NonZeroUsize;
use std::path::Path;

use candle_core::quantized::GgmlDType;

use super::raw_tests::{Raw, array, text};
use super::write::{self, Value};
use super::{GgufFile, GgufTensor};
use crate::model::checkpoint::CheckpointError;
use crate::model::{Recipe, Registry, write_synthetic};
use crate::units::index_as_u64;

fn read(bytes: &[u8]) -> Result<GgufFile, CheckpointError> {
    GgufFile::read(Path::new("m.gguf"), &mut Cursor::new(bytes), index_as_u64(bytes.len()))
}

fn refusal(bytes: &[u8]) -> String {
    read(bytes).map(|_| ()).expect_err("a hostile file").to_string()
}

const HUGE: u64 = 1 << 60;

#[test]
fn what_a_sound_file_holds_is_found() {
    let metadata = [
        ("a.u32".to_owned(), Value::U32(7)),
        ("a.u64".to_owned(), Value::U64(u64::MAX)),
        ("a.f32".to_owned(), Value::F32(0.5)),
        ("a.bool".to_owned(), Value::Bool(true)),
        ("a.text".to_owned(), Value::Text("Ġx\0".to_owned())),
        ("a.texts".to_owned(), Value::Texts(vec!["a b".to_owned(), String::new()])),
        ("a.ints".to_owned(), Value::Ints(vec![1, -4])),
    ];
    let file = read(&write::header(&metadata, &[])).unwrap();
    assert_eq!((file.count("a.u32"), file.count("a.u64")), (Some(7), Some(u64::MAX)));
    assert_eq!((file.real("a.f32"), file.flag("a.bool")), (Some(0.5), Some(true)));
    assert_eq!(file.text("a.text"), Some("Ġx\0"));
    assert_eq!(file.texts("a.texts").unwrap(), ["a b", ""]);
    assert_eq!(file.integers("a.ints").unwrap(), [1, -4]);
    assert_eq!((file.text("a.u32"), file.count("a.none"), file.kind_of("a.none")), (None, None, None));
    let raw = Raw::default()
        .key("f", 9, &array(6, 1, &1.5_f32.to_le_bytes()))
        .key("d", 12, &2.5_f64.to_le_bytes())
        .key("i", 11, &(-3_i64).to_le_bytes())
        .key("i8", 1, &[5])
        .key("u16", 9, &array(2, 3, &[1, 0, 2, 0, 3, 0]))
        .key("general.alignment", 4, &64_u32.to_le_bytes())
        .tensor("two", &[32, 2], 8, 64)
        .tensor("one", &[3], 0, 0)
        .data(160);
    let file = read(&raw.bytes()).unwrap();
    assert_eq!(file.reals("f").unwrap().iter().map(|x| x.to_bits()).collect::<Vec<_>>(), [1.5_f32.to_bits()]);
    assert_eq!((file.real("d"), file.count("i"), file.count("i8")), (Some(2.5), None, Some(5)));
    assert_eq!(file.kind_of("u16"), Some("an array"));
    let (one, two) = (file.tensor("one").unwrap(), file.tensor("two").unwrap());
    assert_eq!((one.offset % 64, two.offset - one.offset), (0, 64));
    let expected =
        GgufTensor { kind: GgmlDType::Q8_0, dimensions: vec![32, 2], offset: two.offset, bytes: 68 };
    assert_eq!(*two, expected);
    assert_eq!(file.tensors().map(|(name, _)| name).collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn counts_and_sizes_that_no_file_can_have_are_refused() {
    let one = || Raw::default().tensor("t", &[32], 0, 0).data(128);
    let cases: &[(&str, Vec<u8>)] = &[
        ("states 1152921504606846976 tensors", Raw::default().stating(HUGE, 0)),
        ("states 1152921504606846976 keys", Raw::default().stating(0, HUGE)),
        ("states 18446744073709551615 tensors", Raw::default().stating(u64::MAX, u64::MAX)),
        ("states 1152921504606846976 bytes", Raw::default().key("k", 8, &HUGE.to_le_bytes()).bytes()),
        ("states 1152921504606846976 elements", Raw::default().key("k", 9, &array(8, HUGE, &[])).bytes()),
        (
            "states 18446744073709551615 elements",
            Raw::default().key("k", 9, &array(0, u64::MAX, &[])).bytes(),
        ),
        ("states 4611686018427387904 elements", Raw::default().key("k", 9, &array(5, 1 << 62, &[])).bytes()),
        ("and 65535 is the most", {
            let mut bytes = Raw::default().key("k", 0, &[0]).bytes();
            bytes[24..32].copy_from_slice(&HUGE.to_le_bytes());
            bytes
        }),
        ("and 64 is the most", Raw::default().tensor(&"t".repeat(65), &[32], 0, 0).data(128).bytes()),
        ("larger than any file", Raw::default().tensor("t", &[HUGE, HUGE], 0, 0).bytes()),
        ("larger than any file", Raw::default().tensor("t", &[HUGE, 4], 0, 0).bytes()),
        ("its tensors need", Raw::default().tensor("t", &[HUGE], 0, 0).bytes()),
        ("it has 5 dimensions", Raw::default().tensor("t", &[1; 5], 0, 0).data(32).bytes()),
        ("it has 0 dimensions", Raw::default().tensor("t", &[], 0, 0).data(32).bytes()),
        ("hold a zero", Raw::default().tensor("t", &[32, 0], 0, 0).data(32).bytes()),
        ("rows of 33 values are no whole number of Q8_0 blocks of 32", {
            Raw::default().tensor("t", &[33, 32], 8, 0).data(2_000).bytes()
        }),
        ("storage type 23 (IQ4_XS) is not known", Raw::default().tensor("t", &[256], 23, 0).bytes()),
        ("storage type 4096 is not known", Raw::default().tensor("t", &[256], 4_096, 0).bytes()),
        ("the tensor `t` stands twice", one().tensor("t", &[32], 0, 128).data(256).bytes()),
        ("the key `k`, read up to byte 47: it stands twice", {
            Raw::default().key("k", 0, &[1]).key("k", 0, &[2]).bytes()
        }),
        ("`a` and `b` overlap", {
            Raw::default().tensor("a", &[32], 0, 0).tensor("b", &[32], 0, 96).data(256).bytes()
        }),
        ("starts at 33, no multiple of 32", Raw::default().tensor("t", &[8], 0, 33).data(96).bytes()),
        ("starts at 1152921504606846976, and all tensors", Raw::default().tensor("t", &[8], 0, HUGE).bytes()),
        ("starts at 18446744073709551584", Raw::default().tensor("t", &[8], 0, u64::MAX - 31).bytes()),
    ];
    for (expected, bytes) in cases {
        let message = refusal(bytes);
        assert!(message.contains(expected) && message.starts_with("m.gguf "), "{expected}: {message}");
    }
}

#[test]
fn values_that_are_none_are_refused() {
    let key = |kind, value: &[u8]| refusal(&Raw::default().key("k", kind, value).bytes());
    assert!(key(13, &[0; 8]).contains("its kind has the number 13"), "{}", key(13, &[0; 8]));
    assert!(key(7, &[2]).contains("neither true nor false but 2"));
    assert!(key(8, &text(b"ab\xffd")).contains("no UTF-8 from its byte 2 on"));
    assert!(key(9, &array(77, 0, &[])).contains("the kind of its array has the number 77"));
    let mut names = Raw::default();
    names.keys.push([&text(b"\xc3")[..], &[0; 5]].concat());
    assert!(refusal(&names.bytes()).contains("the name of key 1 of 1"));
    for (alignment, found) in [(0_u32, "is 0"), (48, "is 48"), (1 << 31, "is 2147483648")] {
        let raw = Raw::default().key("general.alignment", 4, &alignment.to_le_bytes());
        let message = refusal(&raw.tensor("t", &[8], 0, 0).data(64).bytes());
        assert!(message.contains("`general.alignment`") && message.contains(found), "{message}");
    }
    let message = refusal(&Raw::default().key("general.alignment", 8, &text(b"32")).bytes());
    assert!(message.contains("is a text, and a power of two"), "{message}");
}

#[test]
fn arrays_nested_a_thousand_times_end_at_the_first() {
    let mut nested = array(0, 0, &[]);
    for _ in 0..1_000 {
        nested = array(9, 1, &nested);
    }
    let message = refusal(&Raw::default().key("k", 9, &nested).bytes());
    assert!(message.contains("an array of arrays"), "{message}");
}

#[test]
fn a_header_that_is_all_there_and_too_large_is_refused() {
    let texts = vec![0; 8 * 2_000_000];
    let message = refusal(&Raw::default().key("k", 9, &array(8, 2_000_000, &texts)).bytes());
    assert!(message.contains("more than 64 MiB"), "{message}");
    let mut tensors = Raw::default();
    for number in 0..=1 << 16 {
        tensors = tensors.tensor(&number.to_string(), &[8], 0, 32 * number);
    }
    assert!(refusal(&tensors.bytes()).contains("no model has more than 65536"));
}

#[test]
fn an_array_that_nobody_needs_is_passed_over() {
    let raw = Raw::default().key("bytes", 9, &array(0, 10_000_000, &vec![1; 10_000_000])).key("k", 0, &[3]);
    let file = read(&raw.bytes()).unwrap();
    assert_eq!((file.kind_of("bytes"), file.count("k")), (Some("an array"), Some(3)));
}

#[test]
fn a_name_in_a_message_is_short_and_cannot_command_a_terminal() {
    let raw = Raw::default().key(&"\u{1b}[31m".repeat(10_000), 7, &[2]);
    let message = refusal(&raw.bytes());
    assert!(message.len() < 1_000 && !message.contains('\u{1b}'), "{} bytes", message.len());
}

fn tiny(id: &str) -> Vec<u8> {
    let registry = Registry::parse("models.toml", include_str!("../../../models.toml")).unwrap();
    let (spec, mut file) = (registry.get(id).unwrap(), Vec::new());
    write_synthetic(&mut file, spec, Recipe::Q4KM, 5, NonZeroUsize::MIN).unwrap();
    file
}

/// Reads the first `length` bytes of a file as if they were the whole of it.
fn cut(file: &[u8], length: usize) -> Result<GgufFile, CheckpointError> {
    read(&file[..length])
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let file = tiny("tiny-llama3");
    let whole = read(&file).unwrap();
    let data = usize::try_from(whole.tensors().map(|(_, tensor)| tensor.offset).min().unwrap()).unwrap();
    // Every byte of a header whose vocabulary is cut short would take minutes in a debug build; the small header below has
    // all kinds of values, and of this one every 397th byte is tried, 397 being prime.
    for length in (0..data).step_by(397) {
        assert!(cut(&file, length).is_err(), "{length} of {data} bytes of the header");
    }
    for (name, tensor) in whole.tensors() {
        let (start, end) = (usize::try_from(tensor.offset).unwrap(), tensor.offset + tensor.bytes);
        let end = usize::try_from(end).unwrap();
        for length in [start, start + 1, end - 1] {
            let error = cut(&file, length).unwrap_err();
            assert!(matches!(error, CheckpointError::Truncated { .. }), "{name} at {length}: {error}");
            assert!(error.to_string().contains("again"));
        }
    }
    let small = Raw::default()
        .key("text", 8, &text(b"abc"))
        .key("texts", 9, &array(8, 2, &[text(b"d"), text(b"")].concat()))
        .key("ints", 9, &array(5, 2, &[0; 8]))
        .key("bytes", 9, &array(0, 5, &[0; 5]))
        .key("real", 12, &[0; 8])
        .tensor("a", &[32, 2], 8, 0)
        .tensor("b", &[7], 0, 96)
        .data(128)
        .bytes();
    assert!(read(&small).is_ok());
    // The last four bytes are padding, which a file may lack.
    for length in 0..small.len() - 4 {
        let message = cut(&small, length).unwrap_err().to_string();
        assert!(message.contains("again") || message.contains("no GGUF file"), "{length}: {message}");
    }
}

//! How text is split before merging, by the name a GGUF file gives the rule (`tokenizer.ggml.pre`).
//!
//! Each rule is the one in the `tokenizer.json` of the models that carry its name, as a list of patterns that are applied
//! one after the other: what a pattern matches becomes a piece of its own, and the next pattern sees each piece alone.
//! Names: `llama-vocab.cpp` of llama.cpp. Where llama.cpp's own pattern is an approximation (`tekken`), the model's is
//! taken, and `proof/check_tokenizers.py` compares with mistral-common.

use super::error::TextError;

/// A rule for splitting, with what its name implies besides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Splitting {
    /// Patterns in the order in which they are applied.
    pub patterns: &'static [&'static str],
    /// A piece that is a token as a whole is that token, whatever the merges say.
    pub ignore_merges: bool,
    /// A text begins with the start token unless the file says otherwise.
    pub adds_start: bool,
}

/// GPT-2's own pattern.
const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The pattern of Qwen2 (`digits` = `\p{N}`) and Llama 3 (`\p{N}{1,3}`).
macro_rules! modern {
    ($digits:literal) => {
        concat!(
            r"'(?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])",
            r"|[^\r\n\p{L}\p{N}]?\p{L}+|",
            $digits,
            r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
        )
    };
}

/// Mistral's: words end where lower case is followed by upper case.
const TEKKEN: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*",
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
);

/// Letters with case, as an older Unicode knew them: Georgian and the mathematical alphabets are not among them.
const CASED: &str = concat!(
    r"\s?[A-Za-z\x{B5}\x{C0}-\x{D6}\x{D8}-\x{F6}\x{F8}-\x{1BA}\x{1BC}-\x{1BF}\x{1C4}-\x{293}\x{295}-\x{2AF}",
    r"\x{370}-\x{373}\x{376}\x{377}\x{37B}-\x{37D}\x{37F}\x{386}\x{388}-\x{38A}\x{38C}\x{38E}-\x{3A1}\x{3A3}-\x{3F5}",
    r"\x{3F7}-\x{481}\x{48A}-\x{52F}\x{531}-\x{556}\x{10A0}-\x{10C5}\x{13A0}-\x{13F5}\x{13F8}-\x{13FD}",
    r"\x{1C90}-\x{1CBA}\x{1CBD}-\x{1CBF}\x{1D00}-\x{1D2B}\x{1D6B}-\x{1D77}\x{1D79}-\x{1D9A}\x{1E00}-\x{1F15}",
    r"\x{1F18}-\x{1F1D}\x{1F20}-\x{1F45}\x{1F48}-\x{1F4D}\x{1F50}-\x{1F57}\x{1F59}\x{1F5B}\x{1F5D}\x{1F5F}-\x{1F7D}",
    r"\x{1F80}-\x{1FB4}\x{1FB6}-\x{1FBC}\x{1FBE}\x{1FC2}-\x{1FC4}\x{1FC6}-\x{1FCC}\x{1FD0}-\x{1FD3}\x{1FD6}-\x{1FDB}",
    r"\x{1FE0}-\x{1FEC}\x{1FF2}-\x{1FF4}\x{1FF6}-\x{1FFC}\x{2102}\x{2107}\x{210A}-\x{2113}\x{2115}\x{2119}-\x{211D}",
    r"\x{2124}\x{2126}\x{2128}\x{212A}-\x{212D}\x{212F}-\x{2134}\x{2139}\x{213C}-\x{213F}\x{2145}-\x{2149}\x{214E}",
    r"\x{2183}\x{2184}\x{2C00}-\x{2C7B}\x{2C7E}-\x{2CE4}\x{2CEB}-\x{2CEE}\x{2CF2}\x{2CF3}\x{A640}-\x{A66D}",
    r"\x{A680}-\x{A69B}\x{A722}-\x{A76F}\x{A771}-\x{A787}\x{A78B}-\x{A78E}\x{AB70}-\x{ABBF}\x{FB00}-\x{FB06}",
    r"\x{FB13}-\x{FB17}\x{FF21}-\x{FF3A}\x{FF41}-\x{FF5A}\x{10400}-\x{1044F}\x{104B0}-\x{104D3}\x{104D8}-\x{104FB}",
    r"\x{10C80}-\x{10CB2}\x{10CC0}-\x{10CF2}\x{118A0}-\x{118DF}\x{1E900}-\x{1E943}]+"
);

/// Han characters, and Hangul with what the rule's authors put beside it.
const HAN: &str = r"[\x{4E00}-\x{9FA5}\x{800}-\x{4E00}\x{AC00}-\x{D7FF}]+";

impl Splitting {
    /// The rule of that name; an unknown name is an error and never a default.
    pub(super) fn named(name: &str) -> Result<Self, TextError> {
        let plain = |patterns| Self { patterns, ignore_merges: false, adds_start: false };
        let whole = |patterns| Self { patterns, ignore_merges: true, adds_start: true };
        Ok(match name {
            // What llama.cpp does with files older than the key; such files write the word.
            "default" => plain(&[
                r"[\p{P}\$\+<=>\^~\|]+",
                r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)",
                r"\p{N}+",
                r"[0-9][0-9][0-9]",
            ]),
            "gpt-2" => plain(&[GPT2]),
            "qwen2" | "deepseek-r1-qwen" | "megrez" => plain(&[modern!(r"\p{N}")]),
            "llama3" | "llama-v3" | "llama-bpe" | "pixtral" => whole(&[modern!(r"\p{N}{1,3}")]),
            "smaug-bpe" => plain(&[modern!(r"\p{N}{1,3}")]),
            "tekken" => whole(&[TEKKEN]),
            "deepseek-llm" => plain(&[
                r"[\r\n]",
                CASED,
                r"\s?[!-/:-~\x{FF01}-\x{FF0F}\x{FF1A}-\x{FF5E}\x{2018}-\x{201F}\x{3000}-\x{3002}]+",
                r"\s+$",
                HAN,
                r"\p{N}+",
            ]),
            "deepseek-coder" => plain(&[r"[\r\n]", r"\s?\p{L}+", r"\s?\p{P}+", HAN, r"\p{N}"]),
            "deepseek-v3" => plain(&[
                r"\p{N}{1,3}",
                r"[\x{4E00}-\x{9FA5}\x{3040}-\x{309F}\x{30A0}-\x{30FF}]+",
                concat!(
                    r"[!-/:-@\[-`{-~][A-Za-z]+",
                    r"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*",
                    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
                ),
            ]),
            _ => return Err(TextError::UnknownPreTokenizer(name.to_owned())),
        })
    }
}

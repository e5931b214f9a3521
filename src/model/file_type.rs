//! How a file says its weights are stored: more ways than this program makes.

use super::precision::Precision;

/// `general.file_type` of a GGUF file. Source: `llama_ftype` in `llama.h` of the llama.cpp repository.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileType {
    /// A type with a name here.
    Known(&'static str),
    /// Any other number.
    Other(u64),
}

const NAMES: [(u64, &str); 17] = [
    (0, "F32"),
    (1, "F16"),
    (2, "Q4_0"),
    (3, "Q4_1"),
    (7, "Q8_0"),
    (8, "Q5_0"),
    (9, "Q5_1"),
    (10, "Q2_K"),
    (11, "Q3_K_S"),
    (12, "Q3_K_M"),
    (13, "Q3_K_L"),
    (14, "Q4_K_S"),
    (15, "Q4_K_M"),
    (16, "Q5_K_S"),
    (17, "Q5_K_M"),
    (18, "Q6_K"),
    (32, "BF16"),
];

impl FileType {
    /// The type with this number.
    pub fn from_number(number: u64) -> Self {
        let name = NAMES.iter().find(|(known, _)| *known == number);
        name.map_or(Self::Other(number), |(_, name)| Self::Known(name))
    }

    /// The precision that is stored so.
    pub fn precision(self) -> Precision {
        let same = |precision: &Precision| self == Self::Known(precision.label());
        Precision::OF_FILES.into_iter().find(same).unwrap_or(Precision::Unnamed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_names_of_llama_cpp() {
        assert_eq!(FileType::from_number(15).precision(), Precision::Q4KM);
        assert_eq!(FileType::from_number(7).precision(), Precision::Q8_0);
        assert_eq!(FileType::from_number(17), FileType::Known("Q5_K_M"));
        assert_eq!(FileType::from_number(99), FileType::Other(99));
        assert_eq!(FileType::from_number(99).precision(), Precision::Unnamed);
        for (number, name) in NAMES {
            assert_eq!(FileType::from_number(number).precision().label(), name, "{number}");
        }
    }
}

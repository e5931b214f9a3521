//! How weights are stored: every way a file can state, and the four this program can make.

/// A precision this program knows the recipe of: which tensor gets which type. Only these can be drawn at random.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Recipe {
    /// llama.cpp's `Q4_K_M` mix of `Q4_K` and `Q6_K`.
    Q4KM,
    /// Every matrix in 6-bit blocks.
    Q6K,
    /// Every matrix in 8-bit blocks.
    Q8_0,
    /// Every matrix as 16-bit floats with the exponent of 32-bit ones.
    BF16,
}

impl Recipe {
    /// All of them, in the order of [`Precision::ALL`].
    pub const ALL: [Self; 4] = [Self::Q4KM, Self::Q6K, Self::Q8_0, Self::BF16];

    /// The name used in files and on the command line.
    pub const fn id(self) -> &'static str {
        self.precision().id()
    }

    /// The recipe as one precision among all.
    pub const fn precision(self) -> Precision {
        match self {
            Self::Q4KM => Precision::Q4KM,
            Self::Q6K => Precision::Q6K,
            Self::Q8_0 => Precision::Q8_0,
            Self::BF16 => Precision::BF16,
        }
    }
}

/// How the weights of a checkpoint are stored. Those without a [`Recipe`] are met in files of the user alone.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Precision {
    /// 32-bit floats.
    F32,
    /// 16-bit floats of IEEE 754.
    F16,
    /// 16-bit floats with the exponent of 32-bit ones.
    BF16,
    /// 4-bit blocks of 32.
    Q4_0,
    /// 4-bit blocks of 32 with a minimum.
    Q4_1,
    /// 5-bit blocks of 32.
    Q5_0,
    /// 5-bit blocks of 32 with a minimum.
    Q5_1,
    /// Every matrix in 8-bit blocks.
    Q8_0,
    /// llama.cpp's mix around `Q2_K`.
    Q2K,
    /// llama.cpp's small mix around `Q3_K`.
    Q3KS,
    /// llama.cpp's medium mix around `Q3_K`.
    Q3KM,
    /// llama.cpp's large mix around `Q3_K`.
    Q3KL,
    /// llama.cpp's small mix around `Q4_K`.
    Q4KS,
    /// llama.cpp's `Q4_K_M` mix of `Q4_K` and `Q6_K`.
    Q4KM,
    /// llama.cpp's small mix around `Q5_K`.
    Q5KS,
    /// llama.cpp's `Q5_K_M` mix of `Q5_K` and `Q6_K`.
    Q5KM,
    /// Every matrix as `Q6_K`.
    Q6K,
    /// The file does not say, or names a mix that has no name here.
    Unnamed,
}

impl Precision {
    /// Those of the command line, in the order they are listed: the ones with a recipe.
    pub const ALL: [Self; 4] = [Self::Q4KM, Self::Q6K, Self::Q8_0, Self::BF16];

    /// Every precision a file can have.
    pub const OF_FILES: [Self; 18] = [
        Self::F32,
        Self::F16,
        Self::BF16,
        Self::Q4_0,
        Self::Q4_1,
        Self::Q5_0,
        Self::Q5_1,
        Self::Q8_0,
        Self::Q2K,
        Self::Q3KS,
        Self::Q3KM,
        Self::Q3KL,
        Self::Q4KS,
        Self::Q4KM,
        Self::Q5KS,
        Self::Q5KM,
        Self::Q6K,
        Self::Unnamed,
    ];

    /// The name used in files and on the command line.
    pub const fn id(self) -> &'static str {
        match self {
            Self::F32 => "f32",
            Self::F16 => "f16",
            Self::BF16 => "bf16",
            Self::Q4_0 => "q4_0",
            Self::Q4_1 => "q4_1",
            Self::Q5_0 => "q5_0",
            Self::Q5_1 => "q5_1",
            Self::Q8_0 => "q8_0",
            Self::Q2K => "q2_k",
            Self::Q3KS => "q3_k_s",
            Self::Q3KM => "q3_k_m",
            Self::Q3KL => "q3_k_l",
            Self::Q4KS => "q4_k_s",
            Self::Q4KM => "q4_k_m",
            Self::Q5KS => "q5_k_s",
            Self::Q5KM => "q5_k_m",
            Self::Q6K => "q6_k",
            Self::Unnamed => "unnamed",
        }
    }

    /// The name llama.cpp and the hub print; `?` where the file states none.
    pub const fn label(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q2K => "Q2_K",
            Self::Q3KS => "Q3_K_S",
            Self::Q3KM => "Q3_K_M",
            Self::Q3KL => "Q3_K_L",
            Self::Q4KS => "Q4_K_S",
            Self::Q4KM => "Q4_K_M",
            Self::Q5KS => "Q5_K_S",
            Self::Q5KM => "Q5_K_M",
            Self::Q6K => "Q6_K",
            Self::Unnamed => "?",
        }
    }

    /// The precision with this [`Self::id`].
    pub fn from_id(id: &str) -> Option<Self> {
        Self::OF_FILES.into_iter().find(|precision| precision.id() == id)
    }

    /// The recipe, where this program knows it.
    pub const fn recipe(self) -> Option<Recipe> {
        match self {
            Self::Q4KM => Some(Recipe::Q4KM),
            Self::Q6K => Some(Recipe::Q6K),
            Self::Q8_0 => Some(Recipe::Q8_0),
            Self::BF16 => Some(Recipe::BF16),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precisions_read_back_as_they_are_named() {
        for precision in Precision::OF_FILES {
            assert_eq!(Precision::from_id(precision.id()), Some(precision));
        }
        assert_eq!(Precision::from_id("q9"), None);
    }

    #[test]
    fn the_command_line_names_those_with_a_recipe() {
        let with_recipe: Vec<_> = Precision::OF_FILES.into_iter().filter_map(Precision::recipe).collect();
        assert_eq!(with_recipe.len(), Recipe::ALL.len());
        assert_eq!(Recipe::ALL.map(Recipe::precision), Precision::ALL);
    }
}

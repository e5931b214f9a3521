//! Which instructions the processor has.

/// A set of instructions that was found on this processor, or none. A value is the proof that code for it may be called: the
/// fields are private, and [`Level::all`] is the only place that makes one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::engine) struct Level {
    set: Set,
    /// The processor multiplies BF16 too. A field beside the set, since it matters for one kind of weights.
    bf16: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Set {
    /// Plain Rust.
    Portable,
    /// AVX2, FMA and F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// The same, and AVX-512 F, BW, DQ, VL and VNNI.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// Plain Rust, which every processor runs: the reference of the others.
    pub(in crate::engine) const PORTABLE: Self = Self { set: Set::Portable, bf16: false };

    /// All that this processor has, the slowest first.
    pub(in crate::engine) fn all() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut))]
        let mut levels = vec![Self::PORTABLE];
        #[cfg(target_arch = "x86_64")]
        {
            let avx2 = is_x86_feature_detected!("avx2")
                && is_x86_feature_detected!("fma")
                && is_x86_feature_detected!("f16c");
            let avx512 = is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512dq")
                && is_x86_feature_detected!("avx512vl")
                && is_x86_feature_detected!("avx512vnni");
            levels.extend(avx2.then_some(Self { set: Set::Avx2, bf16: false }));
            levels.extend((avx2 && avx512).then_some(Self { set: Set::Avx512, bf16: false }));
            let bf16 = avx2 && avx512 && is_x86_feature_detected!("avx512bf16");
            levels.extend(bf16.then_some(Self { set: Set::Avx512, bf16 }));
        }
        levels
    }

    /// The fastest that this processor has.
    pub(in crate::engine) fn best() -> Self {
        Self::all().pop().unwrap_or(Self::PORTABLE)
    }

    /// The set, to choose code by. Calling code for it is sound for as long as the level came from [`Self::all`], which is the
    /// only way.
    pub(super) const fn set(self) -> Set {
        self.set
    }

    /// True if the processor has AVX-512 BF16 besides; only with [`Set::Avx512`].
    pub(super) const fn has_bf16(self) -> bool {
        self.bf16
    }

    /// True if there are kernels that use it.
    pub(in crate::engine) fn is_fast(self) -> bool {
        self != Self::PORTABLE
    }

    /// The name that stands in the engine's version.
    pub(in crate::engine) const fn id(self) -> &'static str {
        match self.set {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 if self.bf16 => "avx512-vnni-bf16",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512-vnni",
        }
    }
}

//! Memory by class, so that two kernels that keep different amounts for themselves see the same machine.

use crate::units::Bytes;

/// Installed memory, from what the kernel leaves of it: the smallest of 1, 1.5, 2, 3, 4, 6, 8, 12, 16, 24 GiB and so on
/// (every power of two, and the one and a half times of it) that is not below. `None` for no memory.
///
/// Of 24 GiB a kernel leaves 23.5 to programs, with a crash kernel 23.0; both are of the class 24 GiB.
pub(super) fn main_memory(bytes: Bytes) -> Option<Bytes> {
    class(bytes, 2)
}

/// Memory of a card, in finer classes: four from one power of two to the next, 8, 10, 12, 14, 16 GiB and so on. Drivers
/// keep less than kernels, and cards of one name are sold with 10 and with 12 GB.
pub(super) fn card(bytes: Bytes) -> Option<Bytes> {
    class(bytes, 4)
}

/// The smallest `power x (1 + k / steps)` that is not below; `power` is a power of two.
fn class(bytes: Bytes, steps: u64) -> Option<Bytes> {
    let count = bytes.count();
    let below = count.checked_sub(1)?.checked_ilog2().map_or(0, |power| 1_u64 << power);
    let step = (below / steps).max(1);
    let class = below.saturating_add((count - below).div_ceil(step).saturating_mul(step));
    Some(Bytes::new(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    fn gibibytes(bytes: Option<Bytes>) -> f64 {
        bytes.unwrap().as_f64() / crate::units::count_as_f64(GIB)
    }

    #[test]
    fn what_kernels_keep_for_themselves_does_not_change_the_class() {
        // Seen: 24,684,084 KiB and 23 GiB; the last two are installed in full.
        for (bytes, class) in [
            (24_684_084 << 10, 24.0),
            (23 * GIB, 24.0),
            (24 * GIB, 24.0),
            (24 * GIB + 1, 32.0),
            (15_900 << 20, 16.0),
            (13_700 << 20, 16.0),
            (980 << 20, 1.0),
            (7_700 << 20, 8.0),
            (187 * GIB, 192.0),
            (36 * GIB, 48.0),
        ] {
            assert!((gibibytes(main_memory(Bytes::new(bytes))) - class).abs() < 1e-9, "{bytes}");
        }
    }

    #[test]
    fn cards_of_one_name_are_told_apart_by_their_memory() {
        for (mib, class) in [(10_000, 10.0), (12_050, 12.0), (22_700, 24.0), (24_250, 24.0), (81_050, 80.0)] {
            assert!((gibibytes(card(Bytes::new(mib << 20))) - class).abs() < 1e-9, "{mib} MiB");
        }
    }

    #[test]
    fn a_class_is_its_own_class_and_never_below_what_is_there() {
        for bytes in [1, 2, 3, 5, 4_096, 25_276_502_016, u64::MAX / 3, u64::MAX - 1] {
            let class = main_memory(Bytes::new(bytes)).unwrap();
            assert!(class.count() >= bytes, "{bytes}");
            assert_eq!(main_memory(class), Some(class), "{bytes}");
        }
        assert_eq!(main_memory(Bytes::new(0)), None);
    }
}

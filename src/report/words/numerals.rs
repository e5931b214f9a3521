//! How each language writes numbers, units and dates. Both side by side.

use super::super::number::{Magnitude, Numerals};

/// English.
pub(super) const EN: Numerals = Numerals {
    thousands: ",",
    decimal: ".",
    colon: ": ",
    semicolon: "; ",
    dollars: |number, magnitude| {
        if magnitude.is_empty() { format!("${number}") } else { format!("${number}\u{a0}{magnitude}") }
    },
    dollars_in_words: |number, magnitude| format!("${number}\u{a0}{magnitude}"),
    percent: |number| format!("{number}\u{a0}%"),
    large: &[
        Magnitude { factor: 1e12, short: "T", names: ["trillion"; 2] },
        Magnitude { factor: 1e9, short: "B", names: ["billion"; 2] },
        Magnitude { factor: 1e6, short: "M", names: ["million"; 2] },
    ],
    singular: |_| false,
    months: [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    first: "1",
    at: ", ",
    bytes: ["bytes", "kB", "MB", "GB", "TB"],
    binary_bytes: ["KiB", "MiB", "GiB"],
    notation: &[],
    machine_hours: ["machine\u{2011}hours"; 2],
};

/// French, with no name above a milliard: its word for a thousand of them is the English one for a single one.
pub(super) const FR: Numerals = Numerals {
    thousands: "\u{202f}",
    decimal: ",",
    colon: "\u{a0}: ",
    semicolon: "\u{202f}; ",
    dollars: |number, magnitude| format!("{number}\u{a0}{magnitude}$"),
    dollars_in_words: |number, magnitude| format!("{number}\u{a0}{magnitude} de dollars"),
    percent: |number| format!("{number}\u{a0}%"),
    large: &[
        Magnitude { factor: 1e9, short: "Md", names: ["milliard", "milliards"] },
        Magnitude { factor: 1e6, short: "M", names: ["million", "millions"] },
    ],
    singular: |number| number < 2.0,
    months: [
        "janvier",
        "février",
        "mars",
        "avril",
        "mai",
        "juin",
        "juillet",
        "août",
        "septembre",
        "octobre",
        "novembre",
        "décembre",
    ],
    first: "1er",
    at: " à ",
    bytes: ["octets", "ko", "Mo", "Go", "To"],
    binary_bytes: ["Kio", "Mio", "Gio"],
    notation: &[
        ("bn", "Md"),
        ("company", "entreprise"),
        ("country", "pays"),
        ("day", "jour"),
        ("model", "modèle"),
        ("node", "serveur"),
        ("parameter", "paramètre"),
        ("person", "personne"),
        ("to", "à"),
        ("year", "an"),
    ],
    machine_hours: ["heure\u{2011}machine", "heures\u{2011}machine"],
};

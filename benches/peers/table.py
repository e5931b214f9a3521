"""Comparisons as Markdown, and the place in docs/PERFORMANCE.md that holds them."""

import figures
import rows

BEGIN, END = "<!-- peers:begin -->", "<!-- peers:end -->"
# Above this, somebody else took enough of the machine to be told.
NOTABLE_PROCESSORS = 0.05


def number(value, unit=""):
    """Three digits that count, as tables of this project print speeds."""
    value = value / 1e9 if unit == "GB" else value
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}" if abs(value) >= 0.1 else f"{value:.2g}"


def with_interval(values, unit=""):
    spread = figures.Spread.of(values)
    text = number(spread.median, unit)
    if spread.interval:
        text += f" ({number(spread.interval[0], unit)} to {number(spread.interval[1], unit)})"
    return text


def goal_text(goal, values, is_better_low, about):
    if goal is None:
        return ""
    bar, aim = goal
    met = "met" if figures.is_met(values, bar, is_better_low) else "not met"
    aim = f", aim {aim:g}" if aim else ""
    return f"{bar:g}{about}: {met}{aim}"


def line(row, name, figure, goal):
    """One figure of a row, or `None` where it was not taken."""
    pairs = [pair for pair in row["pairs"] if name in pair["ours"]["figures"]]
    if not pairs:
        return None
    ours, theirs = ([pair[which]["figures"][name] for pair in pairs] for which in ("ours", "theirs"))
    ratios = figures.ratios(ours, theirs, figure.is_better_low)
    spread = figures.Spread.of(ratios)
    own = figure.goal_on == "own"
    told = goal_text(goal, ours if own else ratios, own and figure.is_better_low, " of its own" if own else "")
    label = figure.label + (f", {figure.unit}" if figure.unit else "")
    cells = [label, with_interval(ours, figure.unit), with_interval(theirs, figure.unit), row["variant"] or ""]
    cells += [with_interval(ratios), number(spread.lowest), number(spread.second_lowest), number(spread.highest), told]
    return "| " + " | ".join(cells) + " |"


def table(comparison):
    """The table of one comparison and the sentences that belong to it."""
    ours, theirs, goals = comparison["ours"], comparison["theirs"], comparison["goals"]
    lines = [f"### `{comparison['file']}` against {theirs['program']}", ""]
    lines += said_before(comparison)
    head = ["", ours["program"], theirs["program"], "Setting", "Ratio", "Lowest", "Second-lowest", "Highest"]
    head += ["Goal"]
    lines += ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    not_measured = []
    for row in comparison["rows"]:
        if "not_measured" in row:
            not_measured.append(f"Not measured: `{row['row']}`, {row['not_measured']}.")
        for name, figure in rows.row(row["row"]).figures().items():
            lines += [text for text in [line(row, name, figure, goals.get(name))] if text]
    return "\n".join([*lines, "", *not_measured, *said_after(comparison)]).strip() + "\n"


def said_before(comparison):
    machine, ours, theirs = (comparison[key] for key in ("machine", "ours", "theirs"))
    memory = f"{machine['memory_bytes'] / 1e9:.0f} GB"
    lines = [
        f"{comparison['date']}, \"{machine['cpu']}\", {machine['cores']} cores ({machine['processors']} processors), "
        f"{memory}; {comparison['threads']} threads on both sides; {comparison['pairs']} alternating pairs.",
        f"{ours['program']} {ours['version']} and {theirs['version']}.",
    ]
    if theirs.get("system_info"):
        lines.append(f"What {theirs['program']} says of its build: `{theirs['system_info'].replace('|', ',')}`.")
    lines += [f"Command: `{comparison['command']}`.", gate(comparison["gate"])]
    return [text for text in lines if text] + [""]


def gate(checked):
    if checked.get("passed") is None:
        return "The gate was not computed."
    return (
        f"The gate first: over {checked['positions']} positions {checked['distance']:.2%} from the plain computation, "
        f"{checked['tolerance']:.2%} allowed."
    )


def said_after(comparison):
    lines = []
    if comparison["bandwidth"]:
        lines.append(f"MBU is of {comparison['bandwidth'] / 1e9:.1f} GB/s, {comparison['bandwidth_from']}.")
    pairs = [pair for row in comparison["rows"] for pair in row["pairs"]]
    compared = [pair["same_first_tokens"] for pair in pairs if "same_first_tokens" in pair]
    if compared:
        lines.append(f"The first tokens of both programs were the same in {sum(compared)} of {len(compared)} pairs.")
    watched = [pair[which] for pair in pairs for which in ("ours", "theirs")]
    if watched:
        seconds = sum(watch["watched_seconds"] for watch in watched)
        others = sum(watch["other_processor_seconds"] for watch in watched) / seconds
        word = "Disturbed: others" if others > NOTABLE_PROCESSORS else "Others"
        lines.append(f"{word} took {others:.2f} processors on average while a program worked.")
    return lines


def document(comparisons):
    """What stands between the markers."""
    return "\n".join(table(comparison) for comparison in comparisons)


def replaced(text, block):
    """The text with the block between its markers, or `ValueError`."""
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise ValueError(f"the document needs one {BEGIN} and, after it, one {END}")
    before, after = text.split(BEGIN)[0], text.split(END)[1]
    return f"{before}{BEGIN}\n\n{block.strip()}\n\n{END}{after}"

"""The rows of a comparison: what is asked of both programs, and what is read from their answers.

A row is named by its numbers: `decode-3000` decodes after 3,000 tokens, `prefill-128` takes in 128, `batch-8` decodes eight
sequences. `load`, `first-token` and `memory` ask a new process in every pair.
"""

import dataclasses
import re

# Steps of a decode row; fewer where a step is slow or many sequences share it.
STEPS, STEPS_AFTER_LONG, STEPS_OF_BATCH = 48, 16, 12
LONG = 1_000
# Tokens of each sequence before a batch decodes.
BATCH_DEPTH = 32
# What is asked before `memory` is read. What a process held before it loaded, an interpreter for instance, is taken off.
MEMORY_PROMPT, MEMORY_STEPS = 128, 16
# What both are asked first, for what a program does at its first work only.
WARM_UP = "prefill 128 999983"


@dataclasses.dataclass(frozen=True)
class Figure:
    """One line of the table. `goal_on` says what its goals are about: the `ratio`, or this program's `own` values."""

    label: str
    unit: str
    is_better_low: bool = False
    goal_on: str = "ratio"


SPEED = "tokens/s"


@dataclasses.dataclass(frozen=True)
class Row:
    """A row that processes answer which live on from pair to pair."""

    id: str
    label: str
    command: str
    tokens: int
    steps: int = 0
    batch: int = 1
    is_long: bool = False

    is_fresh = False

    def figures(self):
        found = {self.id: Figure(self.label, SPEED)}
        if self.steps:
            found[f"{self.id}-mbu"] = Figure(f"{self.label}: MBU", "", goal_on="own")
        return found

    def values(self, answer, bandwidth, step_bytes):
        found = {self.id: self.tokens / answer["seconds"]}
        if self.steps and bandwidth and step_bytes:
            found[f"{self.id}-mbu"] = step_bytes * self.steps / answer["seconds"] / bandwidth
        return found

    def ask(self, side, salt):
        return side.ask(f"{self.command} {salt}")

    @property
    def is_dear(self):
        """Whether one more measurement that is thrown away costs too much. A decode row has to fill its context once."""
        return self.is_long and not self.steps


@dataclasses.dataclass(frozen=True)
class FreshRow:
    """A row that asks a process that has just been started."""

    id: str

    is_fresh = True
    steps = 0

    def figures(self):
        return {
            "load": {"load": Figure("Load, file in the page cache", "s", True, "own")},
            "first-token": {"first-token": Figure("Load and one token", "s", True, "own")},
            "memory": {
                "memory": Figure("Peak memory", "GB", True),
                "memory-over": Figure("Peak memory over file and cache", "", True, "own"),
            },
        }[self.id]

    def values(self, ready, side, salt):
        if self.id == "load":
            return {"load": ready["load_seconds"]}
        if self.id == "first-token":
            return {"first-token": ready["load_seconds"] + side.ask(f"prefill 1 {salt}")["seconds"]}
        side.ask(f"prefill {MEMORY_PROMPT} {salt}")
        side.ask(f"decode {MEMORY_STEPS} {MEMORY_PROMPT} 1 {salt}")
        return {"memory": side.ask("memory")["peak"] - ready["memory_before"]["now"]}


def memory_floor(ready):
    """Bytes of the file, and of a cache in 16-bit floats that holds what `memory` asks for."""
    positions = MEMORY_PROMPT + 1 + MEMORY_STEPS
    return ready["file_bytes"] + positions * ready["kv_bytes_per_position"]


def row(name):
    """The row of this name, or `ValueError`."""
    if name in ("load", "first-token", "memory"):
        return FreshRow(name)
    matched = re.fullmatch(r"(decode|prefill|batch)-([1-9][0-9]{0,5})", name)
    if not matched:
        raise ValueError(f"no row `{name}`; decode-N, prefill-N, batch-N, load, first-token or memory")
    kind, number = matched[1], int(matched[2])
    is_long = number >= LONG and kind != "batch"
    if kind == "prefill":
        return Row(name, f"Prefill of {number:,} tokens", f"prefill {number}", number, is_long=is_long)
    if kind == "decode":
        steps = STEPS_AFTER_LONG if is_long else STEPS
        return Row(name, f"Decode after {number:,} tokens", f"decode {steps} {number} 1", steps, steps, 1, is_long)
    command = f"decode {STEPS_OF_BATCH} {BATCH_DEPTH} {number}"
    return Row(name, f"Decode, batch {number}, total", command, STEPS_OF_BATCH * number, STEPS_OF_BATCH, number)


# What is measured where no rows are named.
DEFAULT = {
    "llama.cpp": "decode-64 decode-3000 prefill-128 prefill-3000 batch-4 batch-8 load first-token memory".split(),
    "PyTorch": "decode-64 prefill-128 prefill-512".split(),
}

# Goal and aim of figures, on two cores and for one model: nobody promised anything for others.
MODEL_OF_GOALS = "r1-distill-qwen-1.5b"
GOALS = {
    "llama.cpp": {
        "decode-64": (1.15, 1.35),
        "decode-3000": (1.50, 1.80),
        "decode-64-mbu": (0.75, 0.90),
        "prefill-128": (2.0, 2.6),
        "prefill-3000": (2.0, 2.6),
        "batch-4": (1.8, 2.3),
        "batch-8": (2.5, 3.5),
        "load": (0.3, 0.1),
        "memory-over": (1.10, 1.03),
    },
    "PyTorch": {"decode-64": (0.9, None), "prefill-128": (0.9, None), "prefill-512": (0.9, None)},
}


def goals(peer, file):
    """Goals of a comparison, by figure. Those against llama.cpp are for Q4_K_M."""
    name = file.lower()
    is_meant = name.startswith(MODEL_OF_GOALS) and (peer == "PyTorch" or "q4_k_m" in name)
    return GOALS[peer] if is_meant else {}

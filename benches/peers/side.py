"""What a compared program's process has in common, whichever library it runs: the commands, the tokens, the stopwatch.

The commands are those of `examples/engine_steps.rs`, with one more: `variant NAME` chooses among the settings that are tried.
"""

import json
import sys
import time

# The same in `examples/engine_steps.rs`.
LARGEST_ID = 30_000
OF_CONTEXT = 0


def token(place, row, salt, ids):
    """The id at a place of a sequence; `Steps::rows` of `examples/engine_steps.rs` gives the same."""
    return (place * 7_919 + row * 104_729 + salt * 15_485_863 + 13) % ids


def rows(batch, length, salt, ids):
    return [[token(place, row, salt, ids) for place in range(length)] for row in range(batch)]


def memory():
    """Resident memory of this process in bytes, now and at its peak."""
    with open("/proc/self/status", encoding="ascii") as status:
        fields = dict(line.split(":", 1) for line in status)
    return {name: int(fields[field].split()[0]) * 1_024 for name, field in (("peak", "VmHWM"), ("now", "VmRSS"))}


class Model:
    """What a library has to offer. Every call has finished its work when it returns."""

    ids: int
    # For one sequence, and for several.
    variants: list
    batch_variants: list

    def choose(self, variant):
        """Takes a setting for what follows."""
        raise NotImplementedError

    def begin(self, contexts, sequences, positions):
        """Room for as many positions of each sequence and no more, with nothing in the cache but the contexts. Not timed."""
        raise NotImplementedError

    def facts(self):
        """Its name as `program`, its `version`, and what else a reader must know."""
        raise NotImplementedError

    def step(self, prompts):
        """Computes the same number of tokens for each sequence, and gives the likeliest next token of each."""
        raise NotImplementedError


def prefill(model, length, salt):
    prompt = rows(1, length, salt, model.ids)
    model.begin([], 1, length + 1)
    start = time.perf_counter()
    first = model.step(prompt)
    return {"seconds": time.perf_counter() - start, "first": first}


def decode(model, steps, depth, batch, salt):
    """Greedy, as the engine of this project does it: every token is chosen from the logits of the step before."""
    prompt = rows(batch, 1, salt, model.ids)
    contexts = rows(batch, depth, OF_CONTEXT, model.ids) if depth else []
    model.begin(contexts, batch, depth + 1 + steps + 1)
    first = tokens = model.step(prompt)
    start = time.perf_counter()
    for _ in range(steps):
        tokens = model.step([[token] for token in tokens])
    return {"seconds": time.perf_counter() - start, "first": first}


def answer(model, line):
    name, *values = line.split()
    if name == "variant":
        model.choose(values[0])
        return {}
    numbers = [int(value) for value in values]
    commands = {"prefill": prefill, "decode": decode}
    return memory() if name == "memory" else commands[name](model, *numbers)


def serve(load, threads):
    """Loads a model by `load()`, says so, and answers commands until the input ends."""
    before, start = memory(), time.perf_counter()
    model = load()
    seconds = time.perf_counter() - start
    ready = {"threads": threads, "load_seconds": seconds, "memory_before": before, "memory": memory()}
    ready |= {"tokens": rows(2, 3, 1, model.ids), "variants": model.variants, "batch_variants": model.batch_variants}
    print(json.dumps(ready | model.facts()), flush=True)
    for line in sys.stdin:
        try:
            said = answer(model, line)
        except Exception as error:  # whatever a library raises is an answer, and the row says it
            said = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(said), flush=True)

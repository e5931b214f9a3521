"""The order of things: which setting of the other program is the better one, who goes first, and what is kept of a pair."""

import contextlib
import time

import processes
import rows

# A setting is tried twice by turns and its best time counts; once where a try takes this long, contexts filled included.
LONG_TRY_SECONDS = 20.0


class Bench:
    """Both programs on one file. `start(which)` starts `ours` or `theirs` and gives a side; `report` prints a line."""

    def __init__(self, start, bandwidth, pairs, report, variant=None, watch=processes.Watch, wait=processes.wait_until_idle):
        self.start, self.bandwidth, self.pairs, self.report = start, bandwidth, pairs, report
        self.variant, self.watch, self.wait = variant, watch, wait

    def run(self, names):
        """All rows: first those that one start of both programs answers, then those that need a new start for each pair."""
        chosen = [rows.row(name) for name in names]
        lasting, fresh = [r for r in chosen if not r.is_fresh], [r for r in chosen if r.is_fresh]
        done = {}
        if lasting:
            with contextlib.ExitStack() as stack:
                sides = {which: stack.enter_context(contextlib.closing(self.start(which))) for which in ("ours", "theirs")}
                for side in sides.values():
                    side.ask(rows.WARM_UP)
                for row in lasting:
                    done[row.id] = self.guarded(row, lambda row=row: self.lasting_row(row, sides))
        for row in fresh:
            done[row.id] = self.guarded(row, lambda row=row: self.fresh_row(row))
        return [done[row.id] for row in chosen]

    def guarded(self, row, measure):
        """A row that a program refuses has a reason in place of figures; the others go on."""
        self.report(f"{row.id}:")
        try:
            return {"row": row.id} | measure()
        except processes.Refused as refused:
            self.report(f"  not measured: {refused}")
            return {"row": row.id, "not_measured": str(refused), "pairs": []}

    def lasting_row(self, row, sides):
        variant = self.better_variant(row, sides)
        for side in sides.values():
            if not row.is_dear:
                row.ask(side, 0)
        return {"variant": variant, "pairs": [self.pair(row, sides, number) for number in range(self.pairs)]}

    def better_variant(self, row, sides):
        """Tries every setting of the other program, by turns, and chooses the one with the shortest time."""
        theirs = sides["theirs"]
        names = theirs.ready["batch_variants" if row.batch > 1 else "variants"]
        if self.variant:
            names = [name for name in names if name == self.variant] or names[:1]
        best, tries = {}, []
        for _ in range(2 if len(names) > 1 else 0):
            for name in names:
                theirs.ask(f"variant {name}")
                self.wait(sides.values())
                started = time.monotonic()
                # What fills a context is kept for the second time, and costs nothing then.
                seconds = min(row.ask(theirs, 0)["seconds"] for _ in range(2 if row.steps else 1))
                best[name] = min(best.get(name, seconds), seconds)
                tries.append(time.monotonic() - started)
            if max(tries) > LONG_TRY_SECONDS:
                break
        chosen = min(best, key=best.get) if best else names[0]
        theirs.ask(f"variant {chosen}")
        tried = ", ".join(f"{name} {seconds:.3f} s" for name, seconds in best.items())
        self.report(f"  {theirs.name}: {chosen}" + (f" (tried {tried})" if tried else ""))
        return chosen

    def pair(self, row, sides, number):
        """One measurement of each, the other first in every second pair. Both get the same tokens, other ones in each pair."""
        kept, answers = {"first": self.order(number)[0]}, {}
        for which in self.order(number):
            side, waiting = sides[which], [other for name, other in sides.items() if name != which]
            self.wait(sides.values())
            watch = self.watch(side, waiting)
            answers[which] = row.ask(side, number + 1)
            kept[which] = {"seconds": answers[which]["seconds"]} | watch.stop()
        # The file is the same, so what a step must read is what this program says of it, for both.
        step_bytes = answers["ours"].get("step_bytes")
        for which, answer in answers.items():
            kept[which]["figures"] = row.values(answer, self.bandwidth, step_bytes)
        kept["same_first_tokens"] = answers["ours"]["first"] == answers["theirs"]["first"]
        return self.told(row, kept)

    def fresh_row(self, row):
        pairs = []
        for number in range(self.pairs):
            kept = {"first": self.order(number)[0]}
            for which in self.order(number):
                with contextlib.closing(self.start(which)) as side:
                    watch = self.watch(side, [])
                    values = row.values(side.ready, side, number + 1)
                    kept[which] = {"ready": timeless(side.ready), "figures": values} | watch.stop()
            for which in ("ours", "theirs"):
                figures = kept[which]["figures"]
                if "memory" in figures:
                    figures["memory-over"] = figures["memory"] / rows.memory_floor(kept["ours"]["ready"])
            pairs.append(self.told(row, kept))
        return {"variant": None, "pairs": pairs}

    @staticmethod
    def order(number):
        return ("ours", "theirs") if number % 2 == 0 else ("theirs", "ours")

    def told(self, row, kept):
        ours, theirs = (kept[which]["figures"][row.id] for which in ("ours", "theirs"))
        ratio = theirs / ours if row.figures()[row.id].is_better_low else ours / theirs
        scale = 1e-9 if row.figures()[row.id].unit == "GB" else 1
        self.report(f"  {ours * scale:10.4g} {theirs * scale:10.4g} {row.figures()[row.id].unit}, ratio {ratio:.3f}")
        return kept


def timeless(ready):
    """What a program said of itself when it was ready, without what it says of every start alike."""
    return {key: ready[key] for key in ("load_seconds", "memory_before", "memory", "file_bytes", "kv_bytes_per_position") if key in ready}

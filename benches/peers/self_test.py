"""Tests of what needs no engine: `python3 benches/peers/compare.py --self-test`."""

import unittest

import figures
import pairing
import processes
import rows
import side
import table


class Figures(unittest.TestCase):
    def test_a_median_is_in_the_middle(self):
        self.assertEqual(figures.median([3, 1, 2]), 2)
        self.assertEqual(figures.median([4, 1, 2, 3]), 2.5)

    def test_nine_pairs_have_the_second_lowest_and_the_second_highest_as_interval(self):
        # 1 - 2 x (1 + 9) / 512.
        self.assertAlmostEqual(figures.coverage(9, 2), 1 - 20 / 512)
        low, high, covered = figures.interval([9, 1, 8, 2, 7, 3, 6, 4, 5])
        self.assertEqual((low, high), (2, 8))
        self.assertAlmostEqual(covered, 0.9609375)

    def test_the_methodology_s_worked_number_comes_out(self):
        times = [66, 67, 68, 69, 70, 70, 70, 71, 72, 73, 75, 90]
        low, high, covered = figures.interval(times)
        self.assertEqual((figures.median(times), low, high), (70, 68, 73))
        self.assertAlmostEqual(covered, 1 - 2 * 79 / 4096)

    def test_five_pairs_have_no_interval_and_six_have_their_ends(self):
        self.assertIsNone(figures.interval([1, 2, 3, 4, 5]))
        self.assertEqual(figures.interval([1, 2, 3, 4, 5, 6])[:2], (1, 6))

    def test_a_ratio_above_one_is_always_in_favour_of_this_program(self):
        self.assertEqual(figures.ratios([20, 30], [10, 10], is_better_low=False), [2, 3])
        self.assertEqual(figures.ratios([0.1, 2.0], [0.2, 1.0], is_better_low=True), [2, 0.5])

    def test_a_goal_is_met_by_the_median_with_the_second_worst_pair_near_it(self):
        near, far = [0.5, 0.96, 1, 1, 1, 1, 1, 2, 2], [0.5, 0.94, 1, 1, 1, 1, 1, 2, 2]
        self.assertTrue(figures.is_met(near, 1, is_better_low=False))
        self.assertFalse(figures.is_met(far, 1, is_better_low=False))
        self.assertFalse(figures.is_met([0.99] * 9, 1, is_better_low=False))
        self.assertTrue(figures.is_met([1 / value for value in near], 1, is_better_low=True))
        self.assertFalse(figures.is_met([1, 1, 1, 1, 1.06, 2], 1, is_better_low=True))
        self.assertFalse(figures.is_met([9], 1, is_better_low=False), "one pair settles nothing")


class Rows(unittest.TestCase):
    def test_a_name_says_what_is_asked(self):
        self.assertEqual(rows.row("prefill-128").command, "prefill 128")
        self.assertEqual(rows.row("decode-3000").command, "decode 16 3000 1")
        self.assertEqual(rows.row("batch-8").command, "decode 12 32 8")
        for wrong in ("prefill", "prefill-0", "decode-x", "prefill-3000 1", "load-1", ""):
            self.assertRaises(ValueError, rows.row, wrong)

    def test_all_default_rows_and_goals_name_figures(self):
        for peer, names in rows.DEFAULT.items():
            known = {name for row in names for name in rows.row(row).figures()}
            self.assertLessEqual(set(rows.GOALS[peer]), known)

    def test_speeds_count_all_sequences_and_mbu_the_bytes_of_a_step(self):
        values = rows.row("batch-8").values({"seconds": 2.0}, bandwidth=30e9, step_bytes=1e9)
        self.assertEqual(values["batch-8"], 48)
        self.assertAlmostEqual(values["batch-8-mbu"], 1e9 * 12 / 2 / 30e9)
        self.assertEqual(rows.row("prefill-128").values({"seconds": 0.5}, 30e9, None), {"prefill-128": 256})

    def test_goals_are_for_the_model_they_were_set_for(self):
        self.assertIn("load", rows.goals("llama.cpp", "r1-distill-qwen-1.5b-q4_k_m-seed1-gen1.gguf"))
        self.assertEqual(rows.goals("llama.cpp", "r1-distill-qwen-1.5b-q8_0-seed1-gen1.gguf"), {})
        self.assertEqual(rows.goals("llama.cpp", "mistral-7b-v0.3-q4_k_m-seed1-gen1.gguf"), {})

    def test_tokens_are_those_of_the_engine(self):
        # Worked out by hand; `compare.py` asks both programs and refuses to go on where they differ.
        self.assertEqual(side.rows(2, 3, 1, 30_000), [[5_876, 13_795, 21_714], [20_605, 28_524, 6_443]])


class Scripted:
    """A program that answers from a table, and writes down what it was asked."""

    def __init__(self, name, seconds, asked, by_variant=None):
        self.name, self.seconds, self.asked, self.by_variant = name, seconds, asked, by_variant or {}
        self.ready = {"variants": list(self.by_variant) or ["one"], "batch_variants": ["one"], "load_seconds": seconds, "memory_before": {"now": 450}}
        self.ready |= {"file_bytes": 1_000, "kv_bytes_per_position": 10}

    def ask(self, command):
        self.asked.append((self.name, command))
        if command.startswith("variant"):
            self.seconds = self.by_variant.get(command.split()[1], self.seconds)
        if command == "memory":
            return {"peak": 2_900}
        if command.startswith("prefill 7"):
            raise processes.Refused(f"{self.name}: too short")
        return {"seconds": self.seconds, "first": [1], "step_bytes": 10.0}

    def close(self):
        self.asked.append((self.name, "close"))


class Watch:
    def __init__(self, _worker, _waiting):
        pass

    def stop(self):
        return {"watched_seconds": 4.0, "waiting_processor_seconds": 0.0, "other_processor_seconds": 1.0}


def bench(asked, pairs=3, by_variant=None):
    def start(which):
        return Scripted(which, 1.0 if which == "ours" else 2.0, asked, by_variant if which == "theirs" else None)

    wait = lambda _sides: None
    return pairing.Bench(start, 40.0, pairs, lambda _text: None, watch=Watch, wait=wait)


class Pairing(unittest.TestCase):
    def test_sides_alternate_and_every_pair_has_tokens_of_its_own(self):
        asked = []
        [row] = bench(asked, pairs=4).run(["prefill-128"])
        measured = [(name, command) for name, command in asked if command.startswith("prefill")][4:]
        self.assertEqual([name for name, _ in measured], ["ours", "theirs", "theirs", "ours"] * 2)
        self.assertEqual([command for _, command in measured], [f"prefill 128 {n}" for n in (1, 1, 2, 2, 3, 3, 4, 4)])
        self.assertEqual([pair["first"] for pair in row["pairs"]], ["ours", "theirs"] * 2)
        self.assertEqual(row["pairs"][0]["ours"]["figures"], {"prefill-128": 128})

    def test_the_faster_setting_of_the_other_is_taken(self):
        for slow, fast in (("plain", "flash"), ("flash", "plain")):
            asked = []
            [row] = bench(asked, by_variant={slow: 3.0, fast: 2.5}).run(["decode-64"])
            self.assertEqual(row["variant"], fast)
            self.assertEqual([command for _, command in asked if command.startswith("variant")][-1], f"variant {fast}")
            self.assertEqual(row["pairs"][0]["theirs"]["seconds"], 2.5)

    def test_both_work_once_before_anything_counts(self):
        asked = []
        bench(asked, pairs=1).run(["decode-64", "prefill-3000"])
        self.assertEqual(asked[:2], [("ours", rows.WARM_UP), ("theirs", rows.WARM_UP)])
        both = lambda command: [("ours", command), ("theirs", command)]
        decoded = [(name, command) for name, command in asked if command.startswith("decode")]
        self.assertEqual(decoded, both("decode 48 64 1 0") + both("decode 48 64 1 1"), "thrown away, then counted")
        filled = [(name, command) for name, command in asked if command.startswith("prefill 3000")]
        self.assertEqual(filled, both("prefill 3000 1"), "too dear to be thrown away")

    def test_a_refused_row_has_a_reason_and_the_others_go_on(self):
        refused, measured = bench([]).run(["prefill-7", "batch-4"])
        self.assertEqual(refused["not_measured"], "ours: too short")
        self.assertEqual(len(measured["pairs"]), 3)

    def test_load_and_memory_ask_a_new_process_each_time(self):
        asked = []
        load, memory = bench(asked, pairs=2).run(["load", "memory"])
        self.assertEqual(sum(command == "close" for _, command in asked), 8)
        self.assertEqual(load["pairs"][0]["theirs"]["figures"], {"load": 2.0})
        # 2,900 less 450 bytes, over 1,000 of the file and 145 positions of 10.
        self.assertAlmostEqual(memory["pairs"][0]["ours"]["figures"]["memory-over"], 1)


def comparison():
    measured = bench([], pairs=9).run(["decode-64", "prefill-7", "load"])
    program = {"program": "claimbench", "version": "1"}
    return {
        "file": "x.gguf", "date": "2026-01-02", "ours": program, "threads": 2, "pairs": 9, "bandwidth": 40.0, "rows": measured,
        "theirs": {"program": "llama.cpp", "version": "y 3", "system_info": "AVX2 = 1 |"}, "bandwidth_from": "as given",
        "machine": {"cpu": "C", "cores": 2, "processors": 2, "memory_bytes": 25e9}, "command": "compare.py x.gguf",
        "gate": {"passed": True, "positions": 64, "distance": 0.01, "tolerance": 0.2},
        "goals": {"decode-64": (1.5, 2.5), "decode-64-mbu": (13.0, None), "load": (0.5, 0.1)},
    }


class Tables(unittest.TestCase):
    def test_a_table_has_both_sides_the_ratio_and_the_goal(self):
        text = table.table(comparison())
        self.assertIn("| Decode after 64 tokens, tokens/s | 48.0 (48.0 to 48.0) | 24.0 (24.0 to 24.0) | one | 2.00 (2.00 to", text)
        self.assertIn("| 2.00 | 2.00 | 2.00 | 1.5: met, aim 2.5 |", text)
        self.assertIn("13 of its own: not met", text)
        self.assertIn("0.5 of its own: not met, aim 0.1", text)
        self.assertIn("Not measured: `prefill-7`, ours: too short.", text)
        self.assertIn("Disturbed: others took 0.25 processors on average", text)
        widths = {line.count(" | ") for line in text.splitlines() if line.startswith("| ")}
        self.assertEqual(widths, {8})

    def test_the_block_of_the_document_is_replaced_and_nothing_else(self):
        text = f"before\n{table.BEGIN}\nold\n{table.END}\nafter\n"
        new = table.replaced(text, "new\n")
        self.assertEqual(new, f"before\n{table.BEGIN}\n\nnew\n\n{table.END}\nafter\n")
        self.assertEqual(table.replaced(new, "new\n"), new)
        for wrong in ("no marker", text + table.BEGIN, f"{table.END} {table.BEGIN}"):
            self.assertRaises(ValueError, table.replaced, wrong, "new")

    def test_numbers_keep_three_digits(self):
        said = [table.number(value) for value in (1_234.5, 123.4, 12.34, 1.234, 0.0512)]
        self.assertEqual(said, ["1,234", "123", "12.3", "1.23", "0.051"])
        self.assertEqual(table.number(1.73e9, "GB"), "1.73")

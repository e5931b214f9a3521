"""Sets this program's engine beside llama.cpp or PyTorch on one file, pair by pair, and prints ratios with their intervals.

    python3 benches/peers/compare.py FILE.gguf              beside llama.cpp
    python3 benches/peers/compare.py FOLDER                 beside PyTorch, which reads safetensors
    python3 benches/peers/compare.py FILE FOLDER --write    one after the other, and the table in docs/PERFORMANCE.md anew
    python3 benches/peers/compare.py --render --write       the table from what was measured earlier
    python3 benches/peers/compare.py --self-test            the arithmetic, in a second; needs nothing installed

README.md beside this file says how to install the others.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time
import unittest

import pairing
import processes
import rows
import table

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DOCUMENT = ROOT / "docs" / "PERFORMANCE.md"
# Salts and lengths of the gate are the engine's own; so many tokens are compared, as in a run.
GATE = "check 64 1"
SCHEMA = 1


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*", metavar="PATH", help="a GGUF file, or a folder with safetensors")
    parser.add_argument("--rows", help="such as decode-64,prefill-128,batch-4,load,first-token,memory")
    parser.add_argument("--pairs", type=int, default=9, help="6 at least, or there are no intervals (default 9)")
    parser.add_argument("--threads", type=int, default=physical_cores(), help="of both (default: the physical cores)")
    parser.add_argument("--engine", default="claimbench", choices=["claimbench", "candle-transformers"])
    parser.add_argument("--variant", help="one setting of the other program, without a try of all, such as flash")
    parser.add_argument("--plain-buffers", action="store_true", help="llama.cpp without its repacked kernels")
    parser.add_argument("--bandwidth", type=float, metavar="GB/s", help="the ceiling of MBU (default: measured)")
    parser.add_argument("--python", default=default_python(), help="with the packages of the other program")
    parser.add_argument("--binaries", type=pathlib.Path, default=ROOT / "target" / "release" / "examples")
    parser.add_argument("--json", type=pathlib.Path, default=ROOT / "target" / "peers.json", help="keeps every pair")
    parser.add_argument("--write", action="store_true", help="the table in docs/PERFORMANCE.md, from all that --json holds")
    parser.add_argument("--render", action="store_true", help="measure nothing, print what --json holds")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if not options.self_test and bool(options.paths) == options.render:
        parser.error("give paths to measure, or --render")
    if options.pairs < 1 or options.threads < 1:
        parser.error("--pairs and --threads count from 1")
    return options


def default_python():
    own = ROOT / "target" / "peers" / "bin" / "python"
    return str(own) if own.exists() else sys.executable


def physical_cores():
    """Cores that this process may use; a core with two threads counts once."""
    cores = set()
    for processor in os.sched_getaffinity(0):
        siblings = pathlib.Path(f"/sys/devices/system/cpu/cpu{processor}/topology/thread_siblings_list")
        cores.add(siblings.read_text() if siblings.exists() else processor)
    return len(cores)


def machine():
    info = pathlib.Path("/proc/cpuinfo").read_text()
    name = re.search(r"^model name\s*: (.*)$", info, re.MULTILINE)
    memory = re.search(r"^MemTotal:\s*(\d+) kB$", pathlib.Path("/proc/meminfo").read_text(), re.MULTILINE)
    flags = set(info.split())
    return {
        "cpu": name[1] if name else "unknown",
        "cores": physical_cores(),
        "processors": len(os.sched_getaffinity(0)),
        "memory_bytes": int(memory[1]) * 1_024,
        "instruction_sets": [flag for flag in ("avx2", "fma", "avx_vnni", "avx512f", "avx512_vnni", "amx_int8") if flag in flags],
    }


def read_ceiling(options):
    """The fastest way of reading that `examples/ceilings.rs` finds, in bytes per second."""
    command = [options.binaries / "ceilings", "cpu"]
    text = subprocess.run(command, check=True, capture_output=True, text=True, env=environment(options)).stdout
    rates = [float(rate) for rate in re.findall(r"^read .*: ([0-9.]+) GB/s$", text, re.MULTILINE)]
    if not rates:
        raise SystemExit(f"{command[0]} printed no rate of reading")
    return max(rates) * 1e9


def environment(options):
    return {**os.environ, **{name: str(options.threads) for name in ("RAYON_NUM_THREADS", "OMP_NUM_THREADS")}}


def starter(options, path, peer):
    """A function that starts a side, and refuses one that computes with other threads than asked for."""
    script = HERE / ("side_pytorch.py" if peer == "PyTorch" else "side_llama_cpp.py")
    theirs = [options.python, str(script), str(path), "--threads", str(options.threads)]
    theirs += ["--plain-buffers"] if options.plain_buffers and peer == "llama.cpp" else []
    ours = [str(options.binaries / "engine_steps"), "--engine", options.engine, str(path)]

    def start(which):
        name, command = (options.engine, ours) if which == "ours" else (peer, theirs)
        side = processes.Side(name, command, environment(options))
        if side.ready["threads"] != options.threads:
            raise SystemExit(f"{name} computes with {side.ready['threads']} threads, not with {options.threads}")
        return side

    return start


def compare(options, path):
    """All rows of one path, as they are kept."""
    peer = "PyTorch" if path.is_dir() else "llama.cpp"
    start = starter(options, path, peer)
    print(f"{path.name}, {options.engine} against {peer}, {options.threads} threads", flush=True)
    side = start("ours")
    checked, ours = side.ask(GATE), without_times(side.ready)
    side.close()
    print(table.gate(checked), flush=True)
    if checked["passed"] is False:
        raise SystemExit("the logits differ from those of the plain computation: a speed would say nothing")
    side = start("theirs")
    theirs = without_times(side.ready)
    side.close()
    if theirs["tokens"] != ours["tokens"]:
        raise SystemExit(f"the programs would be given different tokens: {ours['tokens']} and {theirs['tokens']}")
    if theirs.get("system_info"):
        print(theirs["system_info"], flush=True)
    names = options.rows.split(",") if options.rows else rows.DEFAULT[peer]
    bandwidths, source = ceiling(options, names)
    bandwidth = max(bandwidths, default=None)
    report = lambda text: print(text, flush=True)
    bench = pairing.Bench(start, bandwidth, options.pairs, report, options.variant)
    measured = bench.run(names)
    return {
        "file": path.name, "date": time.strftime("%Y-%m-%d", time.gmtime()), "machine": machine(), "ours": ours,
        "theirs": theirs, "gate": checked, "threads": options.threads, "pairs": options.pairs, "bandwidth": bandwidth,
        "bandwidths": bandwidths, "bandwidth_from": source, "goals": rows.goals(peer, path.name), "command": command(options, path), "rows": measured,
    }


def ceiling(options, names):
    """The read bandwidth that MBU is of; measured three times, since a shared machine shows its best not every time."""
    if options.bandwidth:
        return [options.bandwidth * 1e9], "as given"
    if not any(rows.row(name).steps for name in names):
        return [], None
    rates = [read_ceiling(options) for _ in range(3)]
    said = ", ".join(f"{rate / 1e9:.1f}" for rate in rates)
    print(f"read bandwidth: {said} GB/s", flush=True)
    return rates, f"the best of {said} by `cargo run --release --example ceilings -- cpu`"


def command(options, path):
    """The command without the folders of this machine."""
    words = ["compare.py", path.name]
    words += ["--rows", options.rows] if options.rows else []
    words += ["--pairs", str(options.pairs), "--threads", str(options.threads)]
    words += ["--engine", options.engine] if options.engine != "claimbench" else []
    words += ["--variant", options.variant] if options.variant else []
    words += ["--plain-buffers"] if options.plain_buffers else []
    words += ["--bandwidth", f"{options.bandwidth:g}"] if options.bandwidth else []
    return " ".join(words)


def without_times(ready):
    return {key: value for key, value in ready.items() if key not in ("load_seconds", "memory_before", "memory")}


def key(comparison):
    return comparison["file"], comparison["ours"]["program"], comparison["theirs"]["program"]


def kept(path):
    if not path.exists():
        return []
    read = json.loads(path.read_text())
    if read["schema"] != SCHEMA:
        raise SystemExit(f"{path} is of another version of this script; move it away")
    return read["comparisons"]


def keep(path, new):
    """A comparison takes the place of an earlier one of the same file and programs."""
    comparisons = kept(path)
    places = [place for place, old in enumerate(comparisons) if key(old) == key(new)]
    if places:
        comparisons[places[0]] = new
    else:
        comparisons.append(new)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"schema": SCHEMA, "comparisons": comparisons}, indent=1) + "\n")


def main():
    options = arguments()
    if options.self_test:
        tests = unittest.defaultTestLoader.loadTestsFromName("self_test")
        sys.exit(not unittest.TextTestRunner(verbosity=0).run(tests).wasSuccessful())
    paths = [pathlib.Path(path) for path in options.paths]
    absent = [str(path) for path in paths if not path.exists()]
    if absent:
        sys.exit(f"there is no {', '.join(absent)}")
    try:
        if options.rows:
            [rows.row(name) for name in options.rows.split(",")]
        for path in paths:
            keep(options.json, compare(options, path.resolve()))
    except (processes.Refused, ValueError) as error:
        sys.exit(f"failed: {error}")
    comparisons = kept(options.json)
    shown = comparisons if options.render else [c for c in comparisons if c["file"] in {path.resolve().name for path in paths}]
    print("\n" + table.document(shown))
    if options.write:
        DOCUMENT.write_text(table.replaced(DOCUMENT.read_text(), table.document(comparisons)))
        print(f"written: {DOCUMENT.relative_to(ROOT)}")


if __name__ == "__main__":
    main()

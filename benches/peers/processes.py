"""The two programs as processes: commands and answers over pipes, and whether the one that waits really waits."""

import contextlib
import json
import os
import subprocess
import tempfile
import time

TICKS = os.sysconf("SC_CLK_TCK")
# A program is idle if it takes less than this share of one processor.
IDLE_SHARE, IDLE_SECONDS, IDLE_PATIENCE = 0.1, 0.2, 15.0


class Refused(Exception):
    """A program answered that it cannot do what it was asked, or did not answer."""


class Side:
    """One program in a process of its own."""

    def __init__(self, name, command, environment):
        self.name = name
        self.errors = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace")
        environment = os.environ | environment
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors, env=environment, text=True
        )
        self.ready = self.answer()

    def answer(self):
        line = self.process.stdout.readline()
        if not line:
            self.errors.seek(0)
            last = self.errors.read().strip().splitlines()[-1:] or ["it said nothing"]
            raise Refused(f"{self.name} ended: {last[0]}")
        said = json.loads(line)
        if "error" in said:
            raise Refused(f"{self.name}: {said['error']}")
        return said

    def ask(self, command):
        # Where the process has ended, `answer` says why.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        return self.answer()

    def processor_seconds(self):
        """What all threads of the process have taken of processors so far."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as stat:
            fields = stat.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()
        self.errors.close()


def busy_seconds():
    """What everybody has taken of all processors so far, other guests of the host among them."""
    with open("/proc/stat", encoding="ascii") as stat:
        user, nice, system, _idle, _waiting, *rest = (int(field) for field in stat.readline().split()[1:9])
    return (user + nice + system + sum(rest)) / TICKS


def wait_until_idle(sides):
    """A program whose threads still spin would take a processor from the other: none may be measured beside it."""
    deadline = time.monotonic() + IDLE_PATIENCE
    while True:
        before = [side.processor_seconds() for side in sides]
        time.sleep(IDLE_SECONDS)
        taken = [side.processor_seconds() - earlier for side, earlier in zip(sides, before, strict=True)]
        if all(seconds <= IDLE_SHARE * IDLE_SECONDS for seconds in taken):
            return
        if time.monotonic() > deadline:
            shares = ", ".join(f"{side.name} {seconds / IDLE_SECONDS:.2f}" for side, seconds in zip(sides, taken, strict=True))
            raise Refused(f"asked for nothing, and still busy (processors taken: {shares})")


class Watch:
    """What was taken of processors while one program worked: by the other, and by anyone else."""

    def __init__(self, worker, waiting):
        self.worker, self.waiting = worker, waiting
        self.start, self.before = time.monotonic(), self.read()

    def read(self):
        worker = self.worker.processor_seconds()
        return worker, sum(side.processor_seconds() for side in self.waiting), busy_seconds()

    def stop(self):
        seconds = time.monotonic() - self.start
        worker, waiting, everybody = (after - before for after, before in zip(self.read(), self.before, strict=True))
        others = max(everybody - worker - waiting, 0.0)
        return {"watched_seconds": seconds, "waiting_processor_seconds": waiting, "other_processor_seconds": others}

"""What is said of paired measurements: medians, their intervals, ratios, and whether a goal is met. Pure arithmetic."""

import dataclasses
import math

# The coverage that an interval has at the least, as in `src/stats`.
COVERAGE = 0.95
# How far the second-worst pair may fall behind a goal that the median reaches.
BEHIND = 0.05


def median(values):
    values = sorted(values)
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def coverage(count, rank):
    """How likely the values of this rank from below and from above enclose the median: 1 - 2 x P(fewer than `rank` below)."""
    return 1 - 2 * sum(math.comb(count, below) for below in range(rank)) / 2**count


def interval(values):
    """The narrowest two order statistics that enclose the median in 95 % of cases or more, and in how many; `None` below
    six values, where even the lowest and the highest do not."""
    ranks = [rank for rank in range(1, len(values) // 2 + 1) if coverage(len(values), rank) >= COVERAGE]
    if not ranks:
        return None
    rank, values = max(ranks), sorted(values)
    return values[rank - 1], values[-rank], coverage(len(values), rank)


@dataclasses.dataclass(frozen=True)
class Spread:
    """What a table prints of the values of all pairs."""

    median: float
    lowest: float
    second_lowest: float
    highest: float
    interval: tuple | None

    @classmethod
    def of(cls, values):
        ordered = sorted(values)
        second = ordered[1] if len(ordered) > 1 else ordered[0]
        return cls(median(ordered), ordered[0], second, ordered[-1], interval(ordered))


def ratios(ours, theirs, is_better_low):
    """Pair by pair, how many times as good as the other program this one is."""
    pairs = zip(ours, theirs, strict=True)
    return [their / our if is_better_low else our / their for our, their in pairs]


def is_met(values, goal, is_better_low):
    """Whether the median reaches the goal, and the second-worst pair is no more than 5 % behind it."""
    if len(values) < 2:
        return False
    if is_better_low:
        return median(values) <= goal and sorted(values)[-2] <= goal * (1 + BEHIND)
    return median(values) >= goal and sorted(values)[1] >= goal * (1 - BEHIND)

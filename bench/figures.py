"""Figures of several runs: percentiles, medians over runs, ratios to a baseline of the same run, and how they are shown."""

import json
import math
import statistics
from collections.abc import Iterable, Mapping
from pathlib import Path

RESULTS = Path("bench-results")

Run = dict[str, float]


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that `share` (0..1) of the values do not exceed (nearest rank); NaN for none."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))] if ordered else math.nan


def spread(name: str, values: list[float], *, unit: str = "ms") -> Run:
    """Return count, p50, p95, p99 and largest of some values under names that say so."""
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99}
    found = {f"{name} {key} [{unit}]": percentile(values, share) for key, share in shares.items()}
    return {f"{name} count": float(len(values)), **found, f"{name} max [{unit}]": max(values, default=math.nan)}


def table(title: str, runs: list[Run]) -> str:
    """Return a table: a row a figure, with the median, smallest and largest over the runs."""
    names = list(dict.fromkeys(name for run in runs for name in run))
    lines = [
        f"\n## {title} ({len(runs)} runs)",
        f"| {'figure':<58} | {'median':>10} | {'min':>10} | {'max':>10} |",
        "| --- | --: | --: | --: |",
    ]
    for name in names:
        values = [run[name] for run in runs if name in run and not math.isnan(run[name])]
        if values:
            cells = " | ".join(f"{each:>10.2f}" for each in (statistics.median(values), min(values), max(values)))
            lines.append(f"| {name:<58} | {cells} |")
    return "\n".join(lines)


def keep(name: str, runs: list[Run], about: Mapping[str, object]) -> Path:
    """Write the runs beside the others, as JSON; returns where."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{name}.json"
    path.write_text(json.dumps({"about": dict(about), "runs": runs}, indent=1))
    return path

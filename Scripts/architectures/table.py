#!/usr/bin/env python3
"""Prints, as Markdown, what the dictionaries of a run of several seeds have in common.

    table.py runs/architectures/run

A line for each dictionary of `sweep.yaml`: mean and half of the 95% interval over its seeds (Student's t), from each
dictionary's evaluation.json.
"""

import json
import re
import statistics
import sys
from pathlib import Path

COLUMNS = [("l0", "L0", 1), ("fvu", "FVU", 3), ("gamma", "γ", 3), ("dead_fraction", "dead", 3), ("f1", "F1", 3),
           ("precision", "precision", 3), ("recall", "recall", 3), ("mcc", "MCC", 3), ("mmcs", "MMCS", 3),
           ("uniqueness", "uniqueness", 3)]
T = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}


def main():
    groups = {}
    for path in Path(sys.argv[1]).glob("*/evaluation.json"):
        metrics = json.loads(path.read_text())["metrics"]
        groups.setdefault(re.sub(r"_seed-\d+", "", path.parent.name), []).append(metrics)
    print("| dictionary | seeds | " + " | ".join(title for _, title, _ in COLUMNS) + " |")
    print("|---" * (len(COLUMNS) + 2) + "|")
    for name, seeds in sorted(groups.items()):
        cells = []
        for key, _, digits in COLUMNS:
            values = [metrics[key]["value"] for metrics in seeds]
            cell = f"{statistics.mean(values):.{digits}f}"
            if len(values) in T:
                half = T[len(values)] * statistics.stdev(values) / len(values) ** 0.5
                cell += f" ± {half:.{digits}f}"
            cells.append(cell)
        print(f"| {name.replace('_', ' ')} | {len(seeds)} | " + " | ".join(cells) + " |")


main()

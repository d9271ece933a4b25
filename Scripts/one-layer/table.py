#!/usr/bin/env python3
"""Prints, as Markdown, what the dictionaries of the one-layer model say beside what Towards Monosemanticity says.

    table.py runs/one-layer

reads, in that folder (`make paper` makes them):
    model/evaluation.json           the model's own loss
    dictionaries/*/evaluation.json  each dictionary's metrics and each latent's density
    narrow/spectrum.json            the 512 latents; splitting into the 4,096
    spectrum/spectrum.json          the 4,096 latents and the neurons, with concepts; beside those of a model of another seed
    neurons/spectrum.json           the neurons beside those of that model
Figures of the paper are Bricken et al. 2023's, of their A/1 (4,096 latents) unless another width is named.
"""

import json
import math
import sys
from pathlib import Path

# Concepts with what the paper says of their feature: share of its mass inside the concept, Pearson's correlation.
PAPER = {"script: Arabic": "81% of active tokens; .74", "script: Hebrew": "–; .55", "alphabet: base64": "–; .38",
         "alphabet: DNA": "–; .80"}
BINS = range(-7, 1)


def load(*path):
    return json.loads(Path(*path).read_text())


def number(value, digits=3):
    return "–" if value is None else f"{value:.{digits}f}".replace("0.", ".", 1) if abs(value) < 1 else f"{value:.{digits}f}"


def row(*cells):
    print("| " + " | ".join(str(c) for c in cells) + " |")


def table(*columns):
    print()
    row(*columns)
    row(*["---"] * len(columns))


def dictionaries(folder):
    found = {}
    for path in sorted(folder.glob("*/evaluation.json")):
        evaluation = load(path)
        name = "neurons" if "neurons" in path.parent.name else len(evaluation["density"])
        found[name] = evaluation
    return found


def costs(found):
    print("\n## Dictionaries")
    table("", "loss recovered (zero-ablation)", "ΔCE, nats", "L0", "FVU", "dead", "never or below 1e-6", "paper")
    paper = {4096: "79%; L0 below 10 – 20; 168 dead, 292 below 1e-6"}
    for name in sorted((k for k in found if k != "neurons")):
        evaluation = found[name]
        value = lambda key: evaluation["metrics"][key]["value"]
        rare = sum(d < 1e-6 for d in evaluation["density"])
        row(f"{name:,} latents", f"{100 * value('loss_recovered_zero'):.1f}%", number(value("delta_ce")),
            number(value("l0"), 1), number(value("fvu")), sum(d == 0 for d in evaluation["density"]), rare,
            paper.get(name, ""))
    tokens = next(iter(found.values()))["tokens"]
    print(f"\nOn {tokens:,} held-out tokens, so that a density below {1 / tokens:.0e} is none at all. Latents by the power of ten "
          "of their density:")
    table("density", *[f"{n:,} latents" if n != "neurons" else n for n in found])
    for low in BINS:
        counts = []
        for evaluation in found.values():
            counts.append(sum(d > 0 and math.floor(math.log10(d)) == low for d in evaluation["density"]))
        if any(counts):
            row(f"1e{low} – 1e{low + 1}", *counts)


def concepts(spectrum):
    print("\n## Features of concepts")
    print("\nOf each concept the latent and the neuron that go with it best, chosen on one half of the contexts and measured on "
          "the other. Specificity: share of the tokens inside the concept, where the unit is weak (first tenth of its range) and "
          "where it is strong (upper half). Sensitivity: share of the concept above the threshold of the best F1.")
    table("concept", "tokens", "latent: mass inside", "specificity, weak → strong", "sensitivity", "r", "neuron: r",
          "paper: mass inside; r")
    parts = {p["name"]: p for p in spectrum["spectrum"]["parts"]}
    counts = spectrum["spectrum"]["concepts"]
    rows = []
    for i, count in enumerate(counts):
        best = parts["latents"]["best"][i]
        neuron = parts["neurons"]["best"][i]
        if best is None or count["concept"]["family"] not in ("script", "alphabet", "language", "code language"):
            continue
        rows.append((best["correlation"], count, best, neuron))
    named = [r for r in rows if r[1]["concept"]["name"] in PAPER]
    others = sorted((r for r in rows if r[1]["concept"]["name"] not in PAPER), key=lambda r: -r[0])[:12]
    for correlation, count, best, neuron in sorted(named, key=lambda r: -r[0]) + others:
        detection, intervals = best["detection"], best["specificity"]
        largest = max((s["to"] for s in intervals), default=1)

        def inside(first, last):
            some = [s for s in intervals if first * largest <= (s["from"] + s["to"]) / 2 < last * largest]
            total = sum(s["vectors"] for s in some)
            return f"{100 * sum(s['vectors'] * s['inside'] for s in some) / total:.0f}%" if total else "–"

        row(count["concept"]["name"], count["vectors"],
            f"{100 * detection['massInside']:.0f}%", f"{inside(0, 0.1)} → {inside(0.5, 1.01)}",
            "–" if detection.get("recall") is None else f"{100 * detection['recall']:.0f}%", number(correlation, 2),
            number(neuron and neuron["correlation"], 2), PAPER.get(count["concept"]["name"], ""))
    told = [r[1]["concept"]["name"] for r in rows]
    absent = [f"{c['concept']['name']} ({c['vectors']} tokens)" for c in counts
              if c["concept"]["name"] in PAPER and c["concept"]["name"] not in told]
    if absent:
        print(f"\nThe text has too little to tell of {', '.join(absent)}.")
    better = sum(l is not None and (n is None or l["correlation"] > n["correlation"])
                 for l, n in zip(parts["latents"]["best"], parts["neurons"]["best"]))
    print(f"\nOf {sum(b is not None for b in parts['latents']['best'])} concepts {better} go better with a latent than with any "
          "neuron.")


def comparison(folder, name):
    return load(folder, name, "spectrum.json")["geometry"]["comparison"]


def splitting(folder):
    print("\n## Splitting")
    table("from → to", "narrow latents that fired", "same (one child)", "split (several)", "lost (none)", "wide ones that are new")
    found = comparison(folder, "narrow")
    kinds = [min(2, len(p["children"])) for p in found["splitting"]["parents"]]
    row(f"{found['latents']:,} → {found['otherLatents']:,}", len(kinds), kinds.count(1), kinds.count(2), kinds.count(0),
        len(found["splitting"]["new"]))
    print("\n(A child points where its parent does, cos ≥ .7. The paper shows splitting by examples: base64, one feature of 512 "
          "latents, is three of 4,096.)")


def universality(folder):
    print("\n## Universality")
    print("\nMedian correlation with the best partner in a model that began with other weights and read the same text:")
    table("", "median r", "by chance", "share above .7", "paper")
    for name, label, paper in (("spectrum", "4,096 latents", ".72"), ("neurons", "neurons", ".46")):
        found = comparison(folder, name)
        row(label, number(found["byActivation"]["median"], 2), number(found["byChance"]["median"], 2),
            f"{100 * found['byActivation']['closeShare']:.0f}%", paper)


def main():
    folder = Path(sys.argv[1])
    model = load(folder, "model", "evaluation.json")
    print("# Towards Monosemanticity, on the model that comes with Prism")
    print(f"\n`make paper`. The model: one layer, width 128, 512 ReLU neurons, {model['nats_per_token']:.3f} nats a token on "
          f"{model['tokens']:,} held-out tokens ({model['bits_per_byte']:.3f} bits a byte; {model['unigram_nats_per_token']:.2f} nats "
          "by frequencies alone). The paper's read 100 billion tokens and its dictionaries 8 billion activations; ours some millions.")
    costs(dictionaries(folder / "dictionaries"))
    concepts(load(folder, "spectrum", "spectrum.json"))
    splitting(folder)
    universality(folder)


main()

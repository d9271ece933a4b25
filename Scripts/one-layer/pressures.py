#!/usr/bin/env python3
"""Trains small language models under pressures on their neurons, and prints how monosemantic the neurons became.

    pressures.py PRISM runs/pressures

For each pressure a model of the same text, tokens and seed (`prism model train`), then the spectrum of its neurons on
held-out text (`prism spectrum`). A model or spectrum that is there is kept. Prints Markdown: medians over neurons.
"""

import json
import subprocess
import sys
from pathlib import Path

BASE = "text: data/corpus\ntokens: 2000000\n"
# Each with what it adds to the configuration. The wide MLP has as many weights in all as the others.
PRESSURES = {
    "none": "",
    "activation sparsity 3e-4": "activation_sparsity: 3e-4\n",
    "activation sparsity 3e-3": "activation_sparsity: 3e-3\n",
    "dropout .3": "dropout: 0.3\n",
    "weight decay 1 (others .1)": "weight_decay: 1\n",
    "weight decay −.1": "weight_decay: -0.1\n",
    "GELU": "activation: gelu\n",
    "1,256 neurons, width 112": "width: 112\nmlp_width: 1256\n",
}
METRICS = [("coherence", "coherence"), ("correlation", "best concept's r"), ("selectivity", "selectivity"),
           ("effectiveConcepts", "effective concepts"), ("explained", "explained by concepts")]


def value(unit, metric):
    profile = unit.get("profile") or {}
    found = {"coherence": unit.get("coherence"), "correlation": (unit.get("detection") or {}).get("correlation")}.get(
        metric, profile.get(metric))
    return found["value"] if isinstance(found, dict) else found


def median(values):
    values = sorted(v for v in values if v is not None)
    return values[len(values) // 2] if values else float("nan")


def main():
    prism, folder = sys.argv[1], Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    print("# Pressures on the neurons of small language models\n")
    print("`make pressures`. One layer, 512 neurons (but for the last), 2 million tokens, equal seeds; medians over neurons, on "
          "30,000 tokens. Two million tokens are few: all are far from what they could learn.\n")
    print("| pressure | nats a token | neurons active on a token | " + " | ".join(label for _, label in METRICS) + " |")
    print("|---" * (3 + len(METRICS)) + "|")
    for number, (name, settings) in enumerate(PRESSURES.items()):
        model, spectrum = folder / f"model-{number}", folder / f"spectrum-{number}"
        if not (model / "evaluation.json").exists():
            config = folder / f"model-{number}.yaml"
            config.write_text(BASE + settings)
            begun = ["--resume", model] if model.exists() else [config, "--out", model]
            subprocess.run([prism, "model", "train", *begun], check=True, stdout=subprocess.DEVNULL)
        if not (spectrum / "spectrum.json").exists():
            subprocess.run(
                [prism, "spectrum", model, "--hook", "blocks.0.mlp.hook_post", "--text", "data/corpus", "--tokens", "30000",
                 "--ablate", "0", "--out", spectrum], check=True, stdout=subprocess.DEVNULL)
        loss = json.loads((model / "evaluation.json").read_text())["nats_per_token"]
        found = json.loads((spectrum / "spectrum.json").read_text())["spectrum"]
        units = next(p for p in found["parts"] if p["name"] == "neurons")["units"]
        active = sum(u["density"] for u in units) / len(units)
        cells = [f"{median([value(u, metric) for u in units]):.3f}" for metric, _ in METRICS]
        print(f"| {name} | {loss:.3f} | {100 * active:.0f}% | " + " | ".join(cells) + " |", flush=True)


main()

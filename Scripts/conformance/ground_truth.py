#!/usr/bin/env python3
"""Check that SAELens finds as many of a synthetic world's features in a dictionary as `prism evaluate` does.

    ground_truth.py world run/dictionary evaluation.json

- world       folder that `prism synth --vectors n` wrote
- dictionary  folder that Prism trained on it
- evaluation  what `prism evaluate run --json` printed

`mcc` and `uniqueness` follow from directions alone and must agree to 1e-4. `f1`, `precision` and `recall` are measured
by Prism on held-out vectors and here on those in the folder: they must agree within the width of Prism's interval.
(Tests/PrismMetricsTests compares all five on the same vectors.) The mean number of true features must be what the
frequencies add up to, which holds for worlds without hierarchy.

The exit status is 0 if everything agrees, 1 if not.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import sae_lens
import torch
from safetensors.torch import load_file
from sae_lens.synthetic.evals import (
    ClassificationMetricsCalculator,
    feature_uniqueness,
    mean_correlation_coefficient,
)


@torch.no_grad()
def main(world, dictionary, evaluation):
    truth, data = load_file(world / "truth.safetensors"), load_file(world / "vectors.safetensors")
    prism = json.loads(evaluation.read_text())
    sae = sae_lens.SAE.load_from_disk(str(dictionary), device="cpu")
    directions, x = truth["directions"], data["activations"]
    offsets, indices = data["feature_offsets"], data["feature_indices"].long()

    calculator = ClassificationMetricsCalculator(sae.W_dec, directions)
    for start in range(0, len(x), 4096):
        end = min(start + 4096, len(x))
        rows = torch.repeat_interleave(torch.arange(end - start), offsets[start + 1 : end + 1] - offsets[start:end])
        active = torch.zeros(end - start, len(directions))
        active[rows, indices[offsets[start] : offsets[end]]] = data["feature_values"][offsets[start] : offsets[end]]
        latents = sae.encode(x[start:end])
        calculator.add_batch(latents.to_dense() if latents.is_sparse else latents, active)
    scores = calculator.compute()

    found = {
        "mcc": mean_correlation_coefficient(sae.W_dec, directions),
        "uniqueness": feature_uniqueness(sae.W_dec, directions),
        "f1": scores.f1_score,
        "precision": scores.precision,
        "recall": scores.recall,
    }
    failed = False
    for name, value in found.items():
        metric = prism[name]
        tolerance = 1e-4 if name in ("mcc", "uniqueness") else metric["high"] - metric["low"]
        agrees = abs(value - metric["value"]) <= tolerance
        failed |= not agrees
        print(f"{name:12} SAELens {value:.5f}  Prism {metric['value']:.5f}  {'agrees' if agrees else 'DIFFERS'}")
    if (truth["parents"] < 0).all():
        nominal = truth["frequencies"].sum().item()
        agrees = abs(len(indices) / len(x) - nominal) < 5 * (nominal / len(x)) ** 0.5
        failed |= not agrees
        print(f"true L0      {len(indices) / len(x):.4f} of {nominal:.4f}  {'agrees' if agrees else 'DIFFERS'}")
    return int(failed)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    sys.exit(main(*map(Path, sys.argv[1:])))

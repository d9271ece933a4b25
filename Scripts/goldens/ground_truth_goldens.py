#!/usr/bin/env python3
"""Write Tests/PrismMetricsTests/Goldens/ground-truth.safetensors: what SAELens's evaluation against known features
(sae_lens.synthetic.evals) finds for random dictionaries, fewer and more latents than features.

    .venv-conformance/bin/python Scripts/goldens/ground_truth_goldens.py
"""

from pathlib import Path

import torch
from safetensors.torch import save_file
from sae_lens.synthetic.evals import (
    compute_classification_metrics,
    feature_uniqueness,
    mean_correlation_coefficient,
)

OUT = Path(__file__).resolve().parents[2] / "Tests/PrismMetricsTests/Goldens/ground-truth.safetensors"


def case(generator, latents, features, width=9, vectors=200):
    random = lambda *shape: torch.randn(*shape, generator=generator)
    directions = random(features, width)
    # Near some of the features, of either sign and any length, some of them twice; the last latent is dead.
    decoder = directions[torch.randint(features, (latents,), generator=generator)]
    decoder = (decoder + 0.4 * random(latents, width)) * random(latents, 1)
    truth = random(vectors, features).sub(1).relu()
    latent = ((truth @ directions + 0.5 * random(vectors, width)) @ decoder.T - 2).relu()
    latent[:, -1] = 0
    scores = compute_classification_metrics(latent, truth, decoder, directions)
    return {
        "directions": directions,
        "decoder": decoder,
        # Which are active; more does not matter.
        "truth": (truth > 0).to(torch.uint8),
        "latents": (latent > 0).to(torch.uint8),
        # mcc, uniqueness, precision, recall, f1
        "expected": torch.tensor([
            mean_correlation_coefficient(decoder, directions),
            feature_uniqueness(decoder, directions),
            scores.precision,
            scores.recall,
            scores.f1_score,
        ]),
    }


def main():
    generator = torch.Generator().manual_seed(0)
    tensors = {}
    for name, latents, features in [("fewer", 17, 40), ("more", 41, 23)]:
        for key, value in case(generator, latents, features).items():
            tensors[f"{name}.{key}"] = value.contiguous()
    OUT.parent.mkdir(exist_ok=True)
    save_file(tensors, OUT)


if __name__ == "__main__":
    main()

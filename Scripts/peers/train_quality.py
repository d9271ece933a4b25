#!/usr/bin/env python3
"""The held-out error of SAELens's TopK training, to set beside Prism's at equal vectors, steps, k and width.

    train_quality.py vectors.npy --width 4096 --k 32 --steps 2000 --batch 1024 --lr 3e-4 --seeds 0 1 2
    train_quality.py --synthetic                a small matrix made here, to try the script

- vectors.npy   [N, d] float; the last tenth of the rows is held out, or give the rows to test on with --held-out

What runs is SAELens's own: `TopKTrainingSAE` trained by `SAETrainer.fit`, everything at the library's defaults except
the arguments above. In version 6.54 that recipe is
- decoder rows random of norm 0.1, encoder its transpose, biases 0, b_dec subtracted from the input;
- top-k and then ReLU of pre-activations multiplied by the decoder rows' norms (`rescale_acts_by_decoder_norm`);
- loss: squared error summed over d, mean over the batch; AuxK with coefficient 1 and d/2 dead latents, where a latent
  is dead after 1,000 steps without firing;
- Adam (0.9, 0.999), constant learning rate (default 3e-4), no weight decay, gradient norm clipped at 1;
- inputs as they are (`--normalize expected_average_only_in` scales them to mean norm √d, folded back at the end).
The order of the rows is a fresh permutation for each pass, from the seed.

One line of JSON for each seed: FVU = Σ‖x − x̂‖² / Σ‖x − x̄‖² over the held-out rows, x̄ their mean; L0 over the same
rows; `dead`, the share of latents that fire on none of them; wall-clock seconds of training alone.
"""

import argparse
import json
import os
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "disabled")
os.environ.setdefault("TQDM_DISABLE", "1")

import numpy as np
import torch
import sae_lens
from sae_lens.config import SAETrainerConfig
from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.training.sae_trainer import SAETrainer


def synthetic(seed=0, rows=20_000, d=32, features=96, active=4):
    """Sparse sums of random unit directions, with noise: a matrix that a dictionary can explain. [rows, d]"""
    generator = np.random.default_rng(seed)
    directions = generator.standard_normal((features, d))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    chosen = np.argsort(generator.random((rows, features)), axis=1)[:, :active]
    strengths = generator.exponential(1, (rows, active)) + 0.5
    vectors = np.einsum("na,nad->nd", strengths, directions[chosen])
    return (vectors + 0.02 * generator.standard_normal(vectors.shape)).astype(np.float32)


def batches(vectors, size, seed):
    """Endless batches, each pass over the rows in a new order; a short batch at a pass's end is left out."""
    generator = torch.Generator().manual_seed(seed)
    while True:
        order = torch.randperm(len(vectors), generator=generator)
        for start in range(0, len(vectors) - size + 1, size):
            yield vectors[order[start:start + size]]


@torch.no_grad()
def held_out(sae, vectors, size=4096):
    """FVU, mean L0, and the share of latents that never fire, on `vectors` [n, d]."""
    mean = vectors.double().mean(0)
    error = spread = active = 0.0
    fired = torch.zeros(sae.cfg.d_sae, dtype=torch.bool)
    sae.eval()
    for rows in vectors.split(size):
        latents = sae.encode(rows)
        error += (rows.double() - sae.decode(latents).double()).pow(2).sum().item()
        spread += (rows.double() - mean).pow(2).sum().item()
        active += (latents != 0).sum().item()
        fired |= (latents != 0).any(0)
    return error / spread, active / len(vectors), 1 - fired.float().mean().item()


def train(vectors, test, options, seed):
    torch.manual_seed(seed)
    sae = TopKTrainingSAE(TopKTrainingSAEConfig(
        d_in=vectors.shape[1], d_sae=options.width, k=options.k, normalize_activations=options.normalize))
    trainer = SAETrainer(
        cfg=SAETrainerConfig(
            total_training_samples=options.steps * options.batch,
            train_batch_size_samples=options.batch,
            lr=options.lr,
            lr_end=options.lr / 10,  # the library's rule; without effect at a constant rate
            lr_scheduler_name=options.schedule,
            lr_warm_up_steps=options.warm_up,
            lr_decay_steps=options.decay,
            dead_feature_window=options.dead_window,
            n_batches_for_norm_estimate=min(1000, max(1, len(vectors) // options.batch)),
        ),
        sae=sae,
        data_provider=batches(vectors, options.batch, seed))
    start = time.perf_counter()
    sae = trainer.fit()
    seconds = time.perf_counter() - start
    fvu, l0, dead = held_out(sae, test)
    if options.save:
        sae.save_inference_model(os.path.join(options.save, f"seed-{seed}"))
    return {
        "tool": "SAELens", "version": sae_lens.__version__, "torch": torch.__version__, "architecture": "topk",
        "seed": seed, "fvu": fvu, "l0": l0, "dead": dead, "seconds": round(seconds, 3),
        "vectors_per_second": round(options.steps * options.batch / seconds, 1), "threads": torch.get_num_threads(),
        "d": vectors.shape[1], "width": options.width, "k": options.k, "steps": options.steps, "batch": options.batch,
        "lr": options.lr, "schedule": options.schedule, "warm_up": options.warm_up, "decay": options.decay,
        "dead_window": options.dead_window,
        "normalize": options.normalize, "train_rows": len(vectors), "held_out_rows": len(test),
    }


def main():
    parser = argparse.ArgumentParser(description="Held-out error of SAELens's TopK training on given vectors.")
    parser.add_argument("vectors", nargs="?", help="npy, [N, d]")
    parser.add_argument("--synthetic", action="store_true", help="use a small matrix made here (width 192, k 4)")
    parser.add_argument("--held-out", help="npy, [n, d]: rows to test on (default: the last tenth of the vectors)")
    parser.add_argument("--width", type=int, help="latents (default 8 d)")
    parser.add_argument("--k", type=int, help="active latents (default 32)")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--batch", type=int, default=1024)
    parser.add_argument("--lr", type=float, default=3e-4)
    parser.add_argument("--schedule", default="constant", choices=["constant", "cosineannealing"])
    parser.add_argument("--warm-up", type=int, default=0, help="steps of linear warm-up (default 0)")
    parser.add_argument("--decay", type=int, default=0, help="steps of linear decay at the end (default 0)")
    parser.add_argument("--dead-window", type=int, default=1000,
                        help="steps without firing to count as dead (default 1000: shorter runs have no AuxK)")
    parser.add_argument("--normalize", default="none", choices=["none", "expected_average_only_in"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, help="PyTorch's threads (default: its own choice)")
    parser.add_argument("--save", help="folder for the trained dictionaries, in SAELens's format")
    options = parser.parse_args()
    if bool(options.vectors) == options.synthetic:
        parser.error("give either vectors.npy or --synthetic")
    if options.threads:
        torch.set_num_threads(options.threads)
    vectors = synthetic() if options.synthetic else np.load(options.vectors).astype(np.float32)
    if vectors.ndim != 2:
        sys.exit(f"train_quality: {options.vectors} has shape {vectors.shape}; expected [N, d]")
    options.width = options.width or (192 if options.synthetic else 8 * vectors.shape[1])
    options.k = options.k or (4 if options.synthetic else 32)
    vectors = torch.from_numpy(vectors)
    if options.held_out:
        test = torch.from_numpy(np.load(options.held_out).astype(np.float32))
    else:
        cut = len(vectors) - len(vectors) // 10
        vectors, test = vectors[:cut], vectors[cut:]
    if len(vectors) < options.batch:
        sys.exit(f"train_quality: {len(vectors)} rows to train on are less than one batch of {options.batch}")
    for seed in options.seeds:
        print(json.dumps(train(vectors, test, options, seed)), flush=True)


if __name__ == "__main__":
    main()

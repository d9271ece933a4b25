#!/usr/bin/env python3
"""Vectors per second of SAELens's TopK training step, to set beside Prism's on the same cores.

    train_speed.py                              768 → 24,576, k 32, batch 4,096: fp32, then bf16 autocast
    train_speed.py --precision fp32 --threads 2 --dead 0.3 --sparse

Times `SAETrainer.step`: forward, loss, backward, gradient clipping, Adam. The vectors are random, drawn beforehand, so
only the step is timed. In the first 1,000 steps of a run no latent counts as dead and AuxK costs nothing; `--dead 0.3`
declares that share of the latents dead before each step, which is what a step costs in the middle of a run. `--sparse`
turns on the library's own `use_sparse_activations`, meant for fp32, and turns `rescale_acts_by_decoder_norm` off, whose
gradient PyTorch 2.15 does not have for sparse tensors.

One line of JSON for each precision; the median of the timed steps counts. Run it on an otherwise idle machine: PyTorch's
threads wait for each other busily, and a second program makes them ten times slower. Where the processor has no fast
bf16 products (no AVX-512), PyTorch falls back to a plain loop a hundred times slower than fp32; bf16 then runs only if
`--precision` asks for it.
"""

import argparse
import json
import os
import statistics
import sys
import time

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "disabled")

import torch
import sae_lens
from sae_lens.config import SAETrainerConfig
from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.training.sae_trainer import SAETrainer


def measure(options, precision):
    torch.manual_seed(0)
    sae = TopKTrainingSAE(TopKTrainingSAEConfig(
        d_in=options.d, d_sae=options.width, k=options.k, use_sparse_activations=options.sparse,
        rescale_acts_by_decoder_norm=not options.sparse))
    total = options.warm_up + options.steps
    trainer = SAETrainer(
        cfg=SAETrainerConfig(
            total_training_samples=total * options.batch, train_batch_size_samples=options.batch, lr_end=3e-5,
            autocast=precision == "bf16"),
        sae=sae, data_provider=iter(()))
    pool = [torch.randn(options.batch, options.d) for _ in range(2)]
    dead = int(options.dead * options.width)
    seconds = []
    for step in range(total):
        if dead:
            trainer.n_forward_passes_since_fired[:dead] = trainer.cfg.dead_feature_window + 1
        start = time.perf_counter()
        trainer.step(pool[step % len(pool)])
        elapsed = time.perf_counter() - start
        trainer.n_training_steps += 1
        if step >= options.warm_up:
            seconds.append(elapsed)
    median = statistics.median(seconds)
    return {
        "tool": "SAELens", "version": sae_lens.__version__, "torch": torch.__version__, "architecture": "topk",
        "precision": precision, "vectors_per_second": round(options.batch / median, 1),
        "step_seconds": round(median, 4), "fastest": round(min(seconds), 4), "slowest": round(max(seconds), 4),
        "steps": options.steps, "threads": torch.get_num_threads(), "d": options.d, "width": options.width,
        "k": options.k, "batch": options.batch, "dead": options.dead, "sparse": options.sparse,
    }


def main():
    parser = argparse.ArgumentParser(description="Vectors per second of SAELens's TopK training step.")
    parser.add_argument("--d", type=int, default=768)
    parser.add_argument("--width", type=int, default=24_576)
    parser.add_argument("--k", type=int, default=32)
    parser.add_argument("--batch", type=int, default=4096)
    parser.add_argument("--steps", type=int, default=5, help="timed steps (default 5)")
    parser.add_argument("--warm-up", type=int, default=2, help="steps before the timing (default 2)")
    parser.add_argument("--dead", type=float, default=0, help="share of latents declared dead (default 0)")
    parser.add_argument("--sparse", action="store_true", help="use_sparse_activations")
    parser.add_argument("--threads", type=int, help="PyTorch's threads (default: its own choice)")
    parser.add_argument("--precision", nargs="+", choices=["fp32", "bf16"])
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    fast_bf16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    if not options.precision and not fast_bf16:
        print("train_speed: this processor has no fast bf16 products; fp32 only", file=sys.stderr)
    for precision in options.precision or (["fp32", "bf16"] if fast_bf16 else ["fp32"]):
        print(json.dumps(measure(options, precision)), flush=True)


if __name__ == "__main__":
    main()

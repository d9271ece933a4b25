#!/usr/bin/env python3
"""Check that SAELens opens a dictionary that Prism wrote and computes what Prism computes.

    saelens.py runs/demo/dictionary vectors.npy --latents latents.npy --reconstruction reconstruction.npy
    saelens.py --self-check

- dictionary      folder with cfg.json and sae_weights.safetensors
- vectors         [n, d] activations given to both
- latents         [n, F] what Prism's encoder gives, dense
- reconstruction  [n, d] what Prism's decoder gives for its own latents

The folder is read by SAELens's own loader, with warnings turned into failures. Three errors are compared with the
tolerance, each the largest absolute difference over the largest absolute value of SAELens's result:

    encode   SAELens's latents of the vectors    against Prism's latents
    decode   SAELens's decoding of Prism's latents  against Prism's reconstruction
    whole    SAELens's reconstruction of the vectors  against Prism's reconstruction

In a top-k dictionary two pre-activations can lie closer together than the rounding of a sum, and the two programs may
then keep different ones. A row counts as such a tie, is reported and left out of `encode` and `whole`, only if the
latents kept by one side alone are all within the tolerance of the row's k-th largest; any other difference fails.

`--self-check` writes a folder of random weights in the documented layout, computes the expected arrays with NumPy and
checks those: it proves this script and pins what SAELens does.

The verdict is one line; the exit status is 0 if everything agrees, 1 if not.
"""

import argparse
import json
import os
import sys
import tempfile
import warnings
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "disabled")

import numpy as np
import torch
import sae_lens
from safetensors.numpy import save_file


def minimal_configuration(d, width, k):
    """What SAELens needs to read a top-k dictionary as Prism means it. `architecture`, `d_in`, `d_sae` and `dtype` must
    be there; for other keys it has defaults, among them `k` 100 and `rescale_acts_by_decoder_norm` false. Without
    `metadata.sae_lens_version` it takes the file for one of an old version and rewrites the configuration."""
    return {
        "architecture": "topk",
        "d_in": d,
        "d_sae": width,
        "k": k,
        "rescale_acts_by_decoder_norm": False,
        "dtype": "float32",
        "device": "cpu",
        "apply_b_dec_to_input": True,
        "normalize_activations": "none",
        "reshape_activations": "none",
        "metadata": {
            "sae_lens_version": "6.0.0",
            "sae_lens_training_version": None,
            "model_name": "HuggingFaceTB/SmolLM2-135M-Instruct",
            "hook_name": "blocks.15.hook_resid_post",
            "hook_head_index": None,
            "context_size": 128,
            "prepend_bos": True,
        },
    }


def load(folder):
    """The dictionary, read by SAELens alone; nothing of its configuration is overridden but the device."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return sae_lens.SAE.load_from_disk(str(folder), device="cpu")


def relative_error(found, expected):
    scale = np.abs(expected).max() if expected.size else 0
    return float(np.abs(found - expected).max() / max(scale, 1e-30)) if found.size else 0.0


def tied_rows(sae, vectors, theirs, ours, tolerance):
    """Rows in which the two sides keep different latents, but only latents that tie with the row's k-th largest."""
    k = getattr(sae.cfg, "k", None)
    differ = ((theirs != 0) != (ours != 0)).any(axis=1)
    tied = np.zeros(len(vectors), dtype=bool)
    if k is None or not differ.any():
        return tied
    rows = torch.from_numpy(vectors[differ])
    with torch.no_grad():
        before = sae.process_sae_in(rows) @ sae.W_enc + sae.b_enc
        if sae.cfg.rescale_acts_by_decoder_norm:
            before = before * sae.W_dec.norm(dim=-1)
    before = before.numpy()
    last_kept = np.maximum(np.sort(before, axis=1)[:, -int(k)], 0)
    kept_by_one = (theirs[differ] != 0) != (ours[differ] != 0)
    gap = np.where(kept_by_one, np.abs(before - last_kept[:, None]), 0).max(axis=1)
    tied[differ] = gap <= tolerance * np.abs(before).max()
    return tied


def check(folder, vectors, latents, reconstruction, tolerance):
    sae = load(folder)
    d, width = sae.cfg.d_in, sae.cfg.d_sae
    for name, array, shape in (
            ("vectors", vectors, (len(vectors), d)), ("latents", latents, (len(vectors), width)),
            ("reconstruction", reconstruction, (len(vectors), d))):
        if array.shape != shape:
            sys.exit(f"saelens: {name} has shape {array.shape}, but the dictionary and the vectors ask for {shape}")
    with torch.no_grad():
        x = torch.from_numpy(vectors)
        encoded = sae.encode(x)
        theirs = encoded.numpy()
        decoded = sae.decode(torch.from_numpy(latents)).numpy()
        whole = sae.decode(encoded).numpy()
    ties = tied_rows(sae, vectors, theirs, latents, tolerance)
    errors = {
        "encode": relative_error(latents[~ties], theirs[~ties]),
        "decode": relative_error(reconstruction, decoded),
        "whole": relative_error(reconstruction[~ties], whole[~ties]),
    }
    agrees = all(error <= tolerance for error in errors.values())
    print(
        f"{'agrees' if agrees else 'DIFFERS'}: {sae.cfg.architecture()} d={d} F={width} n={len(vectors)}, "
        "relative errors "
        + ", ".join(f"{name} {error:.1e}" for name, error in errors.items())
        + f" (tolerance {tolerance:g}, {int(ties.sum())} tied rows), SAELens {sae_lens.__version__}, "
        f"PyTorch {torch.__version__}")
    return agrees


def self_check(tolerance):
    """Random weights in the documented layout, the expectation by NumPy in float64; an altered one must fail."""
    generator = np.random.default_rng(7)
    d, width, k, n = 48, 300, 11, 257
    weights = {
        "W_enc": generator.standard_normal((d, width)) / d**0.5,
        "W_dec": generator.standard_normal((width, d)) * generator.uniform(0.5, 2, (width, 1)),
        "b_enc": generator.standard_normal(width) * 0.1 - 3,  # so low that some of the k largest are negative
        "b_dec": generator.standard_normal(d),
    }
    weights = {name: array.astype(np.float32) for name, array in weights.items()}
    vectors = generator.standard_normal((n, d)).astype(np.float32)

    exact = {name: array.astype(np.float64) for name, array in weights.items()}
    before = (vectors - exact["b_dec"]) @ exact["W_enc"] + exact["b_enc"]
    latents = np.zeros_like(before)
    kept = np.argsort(-before, axis=1, kind="stable")[:, :k]
    np.put_along_axis(latents, kept, np.maximum(np.take_along_axis(before, kept, 1), 0), 1)
    reconstruction = latents @ exact["W_dec"] + exact["b_dec"]
    negative = int((np.take_along_axis(before, kept, 1) < 0).sum())
    latents, reconstruction = latents.astype(np.float32), reconstruction.astype(np.float32)

    with tempfile.TemporaryDirectory() as folder:
        save_file(weights, Path(folder) / "sae_weights.safetensors")
        (Path(folder) / "cfg.json").write_text(json.dumps(minimal_configuration(d, width, k)))
        passed = check(folder, vectors, latents, reconstruction, tolerance)
        print(f"self-check: {negative} of the {n * k} kept pre-activations are negative; SAELens makes them 0")
        altered = latents.copy()
        altered[3, kept[3, 0]] *= 1.01
        refused = not check(folder, vectors, altered, reconstruction, tolerance)
        print(f"self-check: a latent 1% too large is {'noticed' if refused else 'NOT NOTICED'}")
    return passed and refused


def main():
    parser = argparse.ArgumentParser(description="Check a Prism dictionary against SAELens.")
    parser.add_argument("dictionary", nargs="?", help="folder with cfg.json and sae_weights.safetensors")
    parser.add_argument("vectors", nargs="?", help="npy, [n, d]")
    parser.add_argument("--latents", help="npy, [n, F]: Prism's latents")
    parser.add_argument("--reconstruction", help="npy, [n, d]: Prism's reconstruction")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="largest relative error (default 1e-4)")
    parser.add_argument("--self-check", action="store_true", help="check this script with random weights")
    options = parser.parse_args()
    if options.self_check:
        sys.exit(0 if self_check(options.tolerance) else 1)
    if not (options.dictionary and options.vectors and options.latents and options.reconstruction):
        parser.error("give the dictionary, the vectors, --latents and --reconstruction, or --self-check")
    arrays = [np.load(path).astype(np.float32) for path in (options.vectors, options.latents, options.reconstruction)]
    sys.exit(0 if check(options.dictionary, *arrays, options.tolerance) else 1)


if __name__ == "__main__":
    main()

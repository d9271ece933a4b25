#!/usr/bin/env python3
"""Check that other libraries and Prism open each other's dictionaries and compute the same.

    formats.py .build/release/prism

A dictionary of every kind that SAELens, sparsify, dictionary_learning and circuit-tracer have is filled with random
numbers and saved by its library. Then

    read      Prism's latents and reconstructions of random vectors (`prism encode`) against the library's
    FORMAT    `prism convert` to that format, what its library computes from the result against Prism's own

And of every architecture that `prism discover` trains, a small one is trained and opened in SAELens as it is.

Each figure is the largest absolute difference over the largest absolute value, of latents and reconstructions alike. A
conversion that Prism refuses is printed as `–`; the exit status is 1 if a figure exceeds the tolerance, a library refuses
what Prism wrote, or Prism fails in another way than by refusing.
"""

import argparse
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import libraries
import numpy as np
import torch

TOLERANCE = 1e-5
D, F, N = 24, 96, 200


def load_saelens(path):
    import sae_lens

    sae = sae_lens.SAE.load_from_disk(str(path), device="cpu")
    return lambda x: (sae.encode(x), sae(x))


def load_sparsify(path):
    from sparsify import SparseCoder

    coder = SparseCoder.load_from_disk(path)
    return lambda x: libraries.sparsify_outputs(coder, x)


def load_dictionary_learning(path):
    dictionary = libraries.load_dictionary_learning(path)
    return lambda x: libraries.outputs(dictionary, x)


def load_circuit_tracer(path):
    from circuit_tracer.transcoder.activation_functions import JumpReLU
    from circuit_tracer.transcoder.single_layer_transcoder import SingleLayerTranscoder, load_relu_transcoder
    from safetensors.torch import load_file

    tensors = load_file(path)
    threshold = tensors.get("activation_function.threshold")
    if threshold is None:
        transcoder = load_relu_transcoder(
            str(path), 0, device=torch.device("cpu"), lazy_encoder=False, lazy_decoder=False)
    else:  # this version has a loader of JumpReLU for Gemma Scope's own files only
        transcoder = SingleLayerTranscoder(
            D, F, JumpReLU(torch.zeros_like(threshold)), 0, "W_skip" in tensors, device=torch.device("cpu"),
            dtype=torch.float32)
        transcoder.load_state_dict(tensors)
    return lambda x: (transcoder.encode(x), transcoder(x))


def load_gemma_scope(path):
    """By circuit-tracer's loader, which knows equal widths only."""
    from circuit_tracer.transcoder import single_layer_transcoder as loaders

    first = (path / "params.npz").exists()
    load = loaders.load_gemma_scope_transcoder if first else loaders.load_gemma_scope_2_transcoder
    transcoder = load(str(path / ("params.npz" if first else "params.safetensors")), 0, device=torch.device("cpu"))
    return lambda x: (transcoder.encode(x), transcoder(x))


def load_llama_scope(path):
    """By SAELens's loader."""
    sae, scale = libraries.llama_scope(path)
    return lambda x: (sae.encode(x) / scale, sae(x))


LOADERS = {
    "saelens": load_saelens, "sparsify": load_sparsify, "dictionary-learning": load_dictionary_learning,
    "circuit-tracer": load_circuit_tracer, "gemma-scope": load_gemma_scope, "gemma-scope-2": load_gemma_scope,
    "llama-scope": load_llama_scope,
}


def difference(found, expected):
    pairs = [(f, (e.to_dense() if e.is_sparse else e).detach().numpy()) for f, e in zip(found, expected)]
    return max(float(np.abs(f - e).max() / max(np.abs(e).max(), 1e-30)) if f.shape == e.shape else np.inf for f, e in pairs)


def cases():
    """Name, how to save it in a folder (giving what to name to Prism), and what it computes."""
    torch.manual_seed(3)
    for name, sae in (libraries.saelens(D, F, k=8) | libraries.saelens_selecting(D, F, k=8)).items():
        if hasattr(sae, "topk_threshold"):
            sae.topk_threshold.fill_(0.4)
        yield f"saelens {name}", sae, lambda path: sae.save_model(path), "", lambda x: libraries.saelens_outputs(sae, x)
    for name, coder in libraries.sparsify(D, F, k=8).items():
        yield f"sparsify {name}", coder, coder.save_to_disk, "", lambda x: libraries.sparsify_outputs(coder, x)
    for name, dictionary in libraries.dictionary_learning(D, F, k=8).items():
        if getattr(dictionary, "threshold", torch.zeros(1)).ndim == 0:
            dictionary.threshold.fill_(0.4)
        yield (
            f"dictionary-learning {name}", dictionary,
            lambda path: libraries.write_dictionary_learning(dictionary, path), "",
            lambda x: libraries.outputs(dictionary, x))
    for name, transcoder in libraries.circuit_tracer(D, F).items():
        yield (
            f"circuit-tracer {name}", transcoder, lambda path: transcoder.to_safetensors(path / "layer_0.safetensors"),
            "layer_0.safetensors", lambda x: (transcoder.encode(x), transcoder(x)))


def trained(architecture, options, prism, folder):
    """Trains a dictionary on random vectors. - Returns: its folder and the class as which SAELens opens it."""
    import sae_lens

    np.save(folder / "train.npy", np.random.default_rng(3).normal(size=(4000, D)).astype(np.float32))
    result = prism(
        "discover", "--activations", folder / "train.npy", "--architecture", architecture, "--latents", F, "--k", 8,
        "--batch", 128, "--learning-rate", 2e-3, "--out", folder / "run", *options)
    if result.returncode:
        raise RuntimeError(result.stderr)
    sae = sae_lens.SAE.load_from_disk(str(folder / "run/dictionary"), device="cpu")
    threshold = getattr(sae, "threshold", None)
    if architecture.endswith("batchtopk") and not (threshold.min() == threshold.max() > 0):
        raise RuntimeError(f"{architecture}: thresholds {threshold}, expected one that is positive")
    return folder / "run/dictionary", type(sae).__name__


TRAINED = {
    "topk": [], "batchtopk": [], "matryoshka_batchtopk": [], "standard": ["--sparsity", 0.5],
    "p_anneal": ["--sparsity", 0.5], "gated": ["--sparsity", 0.5], "jumprelu": ["--target-l0", 8],
    "matching_pursuit": [],
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("prism", help="the prism command")
    parser.add_argument("--only", default="", help="only dictionaries whose name begins so")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    failed = False

    def prism(*arguments):
        return subprocess.run([options.prism, *map(str, arguments)], capture_output=True, text=True)

    def encode(path, vectors, folder):
        result = prism(
            "encode", path, vectors, "--latents", folder / "z.npy", "--reconstruction", folder / "y.npy")
        if result.returncode:
            raise RuntimeError(result.stderr)
        return np.load(folder / "z.npy"), np.load(folder / "y.npy")

    print(f"{'':36}{'read':>9}" + "".join(f"{name:>20}" for name in LOADERS))
    for name, module, save, file, compute in cases():
        if not name.startswith(options.only):
            continue
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            folder = Path(folder)
            for key, parameter in module.named_parameters():
                parameter.copy_(torch.randn_like(parameter) * (0.3 if parameter.ndim == 2 else 0.2))
                if "threshold" in key:
                    parameter.abs_()
                if "matching_pursuit" in name and key == "W_dec":
                    parameter.copy_(torch.nn.functional.normalize(parameter))
            (folder / "in").mkdir()
            save(folder / "in")
            x = torch.randn(N, D)
            np.save(folder / "x.npy", x.numpy())
            ours = encode(folder / "in" / file, folder / "x.npy", folder)
            figures = [difference(ours, compute(x))]
            line = f"{name:36}{figures[0]:9.0e}"
            for target, load in LOADERS.items():
                out = folder / f"out-{target}"
                result = prism("convert", folder / "in" / file, out, "--to", target)
                if result.returncode == 64 or target.startswith("gemma") and ours[1].shape[1] != D:
                    line += f"{'–':>20}"
                    continue
                if result.returncode:
                    raise RuntimeError(result.stderr)
                figures.append(difference(ours, load(out)(x)))
                line += f"{figures[-1]:20.0e}"
            failed |= not max(figures) <= TOLERANCE
            print(line + ("" if max(figures) <= TOLERANCE else "  DIFFERS"))

    for architecture, more in TRAINED.items():
        name = f"prism {architecture}"
        if not name.startswith(options.only):
            continue
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            folder = Path(folder)
            dictionary, kind = trained(architecture, more, prism, folder)
            x = torch.randn(N, D)
            np.save(folder / "x.npy", x.numpy())
            ours = encode(dictionary, folder / "x.npy", folder)
            figure = difference(ours, load_saelens(dictionary)(x))
            failed |= not figure <= TOLERANCE
            active = (ours[0] != 0).sum(1).mean()
            print(f"{name:36}{figure:9.0e}  {kind}, L0 {active:.1f}" + ("" if figure <= TOLERANCE else "  DIFFERS"))
    print("DIFFERS" if failed else f"agrees within {TOLERANCE:g}")
    sys.exit(failed)


if __name__ == "__main__":
    main()

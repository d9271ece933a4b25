#!/usr/bin/env python3
"""Small dictionaries that other libraries wrote, with what they compute, for Tests/PrismDictionariesTests/Goldens.

    Scripts/goldens/format_goldens.py --openai sparse_autoencoder/model.py

Needs what Scripts/conformance/requirements.txt lists, and `model.py` of github.com/openai/sparse_autoencoder (which is no
package). Each folder holds the files as the library writes them (those of Gemma Scope, which has no writer, as NumPy and
safetensors do) and expected.safetensors with vectors x [n, d], latents z [n, F] and reconstructions y [n, d_out].
"""

import argparse
import importlib.util
import json
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "conformance"))
import libraries
import numpy as np
import torch
from safetensors.torch import save_file

GOLDENS = Path(__file__).resolve().parents[2] / "Tests/PrismDictionariesTests/Goldens"
D, F, N = 6, 21, 17


def fill(module):
    """Random parameters: decoder rows of different norms, biases that leave some latents off, positive thresholds."""
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            scale = 0.5 if parameter.ndim == 2 else 0.3
            parameter.copy_(scale * torch.randn_like(parameter))
            if "threshold" in name:
                parameter.abs_()
    return module


def golden(name, write, compute):
    folder = GOLDENS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with torch.no_grad():
        x = torch.randn(N, D)
        write(folder)
        z, y = compute(x)
        z = z.to_dense() if z.is_sparse else z
        expected = {"x": x, "z": z.contiguous(), "y": y.contiguous()}
        save_file(expected, folder / "expected.safetensors")
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        print(f"{name:32} {size:6} bytes, active per row {(z != 0).sum(1).tolist()}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--openai", required=True, help="model.py of OpenAI's sparse_autoencoder")
    options = parser.parse_args()
    torch.manual_seed(11)

    for name, sae in libraries.saelens(D, F).items():
        fill(sae)
        if hasattr(sae, "topk_threshold"):
            sae.topk_threshold.fill_(0.4)
        golden(f"saelens-{name}", sae.save_model, lambda x: libraries.saelens_outputs(sae, x))

    for name, coder in libraries.sparsify(D, F).items():
        fill(coder)
        golden(f"sparsify-{name}", coder.save_to_disk, lambda x: libraries.sparsify_outputs(coder, x))

    for name, dictionary in libraries.dictionary_learning(D, F).items():
        fill(dictionary)
        if hasattr(dictionary, "threshold") and dictionary.threshold.ndim == 0:
            dictionary.threshold.fill_(0.4)

        def write(folder):
            libraries.write_dictionary_learning(dictionary, folder)

        golden(f"dictionary-learning-{name}", write, lambda x: libraries.outputs(dictionary, x))

    spec = importlib.util.spec_from_file_location("openai_model", options.openai)
    openai = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(openai)
    for name, activation in (("relu", torch.nn.ReLU()), ("topk", openai.TopK(4))):
        coder = fill(openai.Autoencoder(F, D, activation, normalize=name == "topk"))

        def compute(x):
            z, info = coder.encode(x)
            return z, coder.decode(z, info)

        golden(f"openai-{name}", lambda folder: torch.save(coder.state_dict(), folder / "layer.pt"), compute)

    # Gemma Scope: relu(x W + b) where above the threshold, as its tutorial defines it.
    for version, width_out, skip in ((1, D, False), (2, D, False), (2, D, True)):
        numbers = {
            "W_enc": torch.randn(D, F), "W_dec": torch.randn(F, width_out), "b_enc": 0.3 * torch.randn(F),
            "b_dec": torch.randn(width_out), "threshold": torch.rand(F),
        }
        if skip:
            numbers["affine_skip_connection"] = torch.randn(D, width_out)

        def write(folder):
            if version == 1:
                np.savez(folder / "params.npz", **{key: value.numpy() for key, value in numbers.items()})
            else:
                save_file({key.lower(): value for key, value in numbers.items()}, folder / "params.safetensors")
                (folder / "config.json").write_text(json.dumps({
                    "architecture": "jump_relu", "model_name": "google/gemma-3-1b-pt", "width": F, "l0": 5,
                    "hf_hook_point_in": "model.layers.3.output", "hf_hook_point_out": "model.layers.3.output",
                    "affine_connection": skip, "type": "transcoder" if skip else "sae"}))

        def compute(x):
            before = x @ numbers["W_enc"] + numbers["b_enc"]
            z = (before > numbers["threshold"]) * torch.relu(before)
            y = z @ numbers["W_dec"] + numbers["b_dec"]
            return z, y + x @ numbers["affine_skip_connection"] if skip else y

        golden(f"gemma-scope-{version}" + ("-skip" if skip else ""), write, compute)

    for name, transcoder in libraries.circuit_tracer(D, F).items():
        fill(transcoder)
        golden(
            f"circuit-tracer-{name}", lambda folder: transcoder.to_safetensors(folder / "layer_0.safetensors"),
            lambda x: (transcoder.encode(x), transcoder(x)))

    # Llama Scope: SAELens's loader folds the scales; it has no decoder norms, which are 1 here, so that both agree.
    W_dec = torch.nn.functional.normalize(torch.randn(F, D))
    weights = {
        "encoder.weight": torch.randn(F, D), "encoder.bias": 0.3 * torch.randn(F), "decoder.weight": W_dec.T.contiguous(),
        "decoder.bias": torch.randn(D),
    }
    hyperparameters = {
        "d_model": D, "d_sae": F, "act_fn": "jumprelu", "jump_relu_threshold": 0.25, "norm_activation": "dataset-wise",
        "dataset_average_activation_norm": {"in": 1.5, "out": 1.5}, "sparsity_include_decoder_norm": True,
        "hook_point_in": "blocks.3.hook_resid_post", "hook_point_out": "blocks.3.hook_resid_post", "top_k": 50,
    }

    def write(folder):
        (folder / "hyperparams.json").write_text(json.dumps(hyperparameters))
        (folder / "checkpoints").mkdir()
        save_file(weights, folder / "checkpoints/final.safetensors")

    def compute(x):
        sae, scale = libraries.llama_scope(GOLDENS / "llama-scope")
        z = sae.encode(x)
        # SAELens keeps latents in the scaled space, lm_saes (and Prism) in the activations' own.
        return z / scale, sae.decode(z)

    golden("llama-scope", write, compute)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Small dictionaries of a chosen number of latents that SAELens wrote, with what it computes, for
Tests/PrismDictionariesTests/Goldens.

    .venv-conformance/bin/python Scripts/goldens/saelens_goldens.py

Each folder holds cfg.json and sae_weights.safetensors by SAELens's own writer, and expected.safetensors with vectors x
[n, d], their latents z [n, F] and reconstructions y [n, d] by SAELens's encode and decode. Decoder rows have different
norms, so that rescaling by them shows, and some of the k largest pre-activations are negative; a matching pursuit's have
norm 1. Written by sae-lens 6.54.12 with PyTorch 2.15.0, each with seed 5.
"""

import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "conformance"))
import libraries
import torch
from safetensors.torch import save_file

GOLDENS = Path(__file__).resolve().parents[2] / "Tests/PrismDictionariesTests/Goldens"
D, F, N = 6, 21, 17

for name, sae in libraries.saelens_selecting(D, F).items():
    torch.manual_seed(5)
    with torch.no_grad():
        W_enc, W_dec = torch.randn(D, F) / D**0.5, torch.randn(F, D) * torch.linspace(0.5, 2, F)[:, None]
        if name.startswith("matching_pursuit"):
            sae.W_dec.copy_(torch.nn.functional.normalize(W_dec))
        else:
            sae.W_enc.copy_(W_enc)
            sae.W_dec.copy_(W_dec)
            sae.b_enc.copy_(0.1 * torch.randn(F) - 0.8)
        sae.b_dec.copy_(torch.randn(D))
        x = torch.randn(N, D)
        z = sae.encode(x)
        z = z.to_dense() if z.is_sparse else z
        folder = GOLDENS / name
        shutil.rmtree(folder, ignore_errors=True)
        sae.save_model(folder)
        save_file({"x": x, "z": z.contiguous(), "y": sae.decode(z)}, folder / "expected.safetensors")
        print(name, "active per row:", (z > 0).sum(1).tolist())

#!/usr/bin/env python3
"""Small top-k dictionaries that SAELens wrote, with what it computes, for Tests/PrismDictionariesTests/Goldens.

    .venv-conformance/bin/python Scripts/goldens/saelens_goldens.py

Each folder holds cfg.json and sae_weights.safetensors by SAELens's own writer, and expected.safetensors with vectors x
[n, d], their latents z [n, F] and reconstructions y [n, d] by SAELens's encode and decode. Decoder rows have different
norms, so that rescaling by them shows, and some of the k largest pre-activations are negative.
"""

import os
import shutil
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from sae_lens import TopKSAE, TopKSAEConfig
from safetensors.torch import save_file

GOLDENS = Path(__file__).resolve().parents[2] / "Tests/PrismDictionariesTests/Goldens"
VARIANTS = {
    "topk": {},
    "topk-rescaled": {"rescale_acts_by_decoder_norm": True},
    "topk-input": {"apply_b_dec_to_input": False},
    "topk-both": {"rescale_acts_by_decoder_norm": True, "apply_b_dec_to_input": False},
}

for name, options in VARIANTS.items():
    torch.manual_seed(5)
    d, F, n = 6, 21, 17
    sae = TopKSAE(TopKSAEConfig(d_in=d, d_sae=F, k=4, dtype="float32", device="cpu", **options))
    with torch.no_grad():
        sae.W_enc.copy_(torch.randn(d, F) / d**0.5)
        sae.W_dec.copy_(torch.randn(F, d) * torch.linspace(0.5, 2, F)[:, None])
        sae.b_enc.copy_(0.1 * torch.randn(F) - 0.8)
        sae.b_dec.copy_(torch.randn(d))
        x = torch.randn(n, d)
        z = sae.encode(x)
        z = z.to_dense() if z.is_sparse else z
        folder = GOLDENS / name
        shutil.rmtree(folder, ignore_errors=True)
        sae.save_model(folder)
        save_file({"x": x, "z": z.contiguous(), "y": sae.decode(z)}, folder / "expected.safetensors")
        print(name, "active per row:", (z > 0).sum(1).tolist())

#!/usr/bin/env python3
"""Small cross-layer transcoders that circuit-tracer wrote, with what it computes, for Tests/PrismDictionariesTests/Goldens.

    Scripts/goldens/cross_layer_goldens.py

Needs what Scripts/conformance/requirements*.txt list. Each folder holds the files as `CrossLayerTranscoder.to_safetensors`
writes them, config.yaml as its cache has it, and expected.safetensors with inputs x [L, n, d], latents z [L, n, F] and
reconstructions y [L, n, d]; the seed and the versions stand in that file's metadata. The ReLU one is stored in bf16, as
published ones are, and computes in fp32.
"""

import importlib.metadata
import shutil
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "conformance"))
import libraries
import torch
from safetensors.torch import save_file

GOLDENS = Path(__file__).resolve().parents[2] / "Tests/PrismDictionariesTests/Goldens"
L, D, F, N, SEED = 3, 5, 13, 7, 17


def main():
    for name, transcoder in libraries.cross_layer(L, D, F, seed=SEED).items():
        folder = GOLDENS / f"cross-layer-{name}"
        shutil.rmtree(folder, ignore_errors=True)
        stored = transcoder.to(torch.bfloat16) if name == "relu" else transcoder
        libraries.write_cross_layer(stored, folder)
        with torch.no_grad():
            x = torch.randn(L, N, D)
            transcoder = libraries.load_cross_layer(folder)
            z = transcoder.encode(x)
            y = transcoder.decode(z)
        # One entry, because safetensors writes several in an order that varies.
        made = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in ("circuit-tracer", "torch"))
        save_file({"x": x, "z": z, "y": y}, folder / "expected.safetensors", {"made": f"seed {SEED}, {made}"})
        size = sum(path.stat().st_size for path in folder.iterdir())
        print(f"{folder.name:24} {size:6} bytes, active per token and layer {(z != 0).sum(2).tolist()}")


if __name__ == "__main__":
    main()

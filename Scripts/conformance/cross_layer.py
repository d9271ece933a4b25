#!/usr/bin/env python3
"""Check that circuit-tracer and Prism open each other's cross-layer transcoders and compute the same.

    cross_layer.py .build/release/prism

circuit-tracer saves a random transcoder, in fp32 and in bf16. Then

    read     Prism's latents and reconstructions of random inputs (`prism encode`) against circuit-tracer's
    written  what circuit-tracer computes from the folder that `prism convert --to circuit-tracer` made, against Prism's

Each figure is the largest absolute difference over the largest absolute value. `prism convert` to another format must be
refused. The exit status is 1 if a figure exceeds the tolerance, or a folder or a refusal is not as it should be.
"""

import argparse
import filecmp
import subprocess
import sys
import tempfile
from pathlib import Path

import libraries
import numpy as np
import torch

TOLERANCE = 1e-5
L, D, F, N = 5, 24, 96, 200


def difference(found, expected):
    return max(float(np.abs(f - e.numpy()).max() / e.abs().max()) for f, e in zip(found, expected, strict=True))


def compute(folder, x):
    transcoder = libraries.load_cross_layer(folder)
    z = transcoder.encode(x)
    return z, transcoder.decode(z)


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("prism", help="the prism command")
    options = parser.parse_args()
    failed = False

    def prism(*arguments, status=0):
        result = subprocess.run([options.prism, *map(str, arguments)], capture_output=True, text=True)
        if result.returncode != status:
            sys.exit(f"prism {' '.join(map(str, arguments))} ended with {result.returncode}: {result.stderr}")

    for name, transcoder in libraries.cross_layer(L, D, F, seed=3).items():
        for dtype in (torch.float32, torch.bfloat16):
            with tempfile.TemporaryDirectory() as folder:
                folder = Path(folder)
                libraries.write_cross_layer(transcoder.to(dtype), folder / "in")
                x = torch.randn(L, N, D)
                np.save(folder / "x.npy", x.numpy())
                prism("encode", folder / "in", folder / "x.npy", "--latents", folder / "z.npy",
                      "--reconstruction", folder / "y.npy")
                ours = np.load(folder / "z.npy"), np.load(folder / "y.npy")
                prism("convert", folder / "in", folder / "out", "--to", "circuit-tracer")
                figures = [difference(ours, compute(folder / place, x)) for place in ("in", "out")]
                same = filecmp.cmp(folder / "in/config.yaml", folder / "out/config.yaml", shallow=False)
                prism("convert", folder / "in", folder / "other", "--to", "saelens", status=64)
                agrees = max(figures) <= TOLERANCE and same
                failed |= not agrees
                print(f"cross-layer {name:9}{str(dtype):16} read {figures[0]:.0e}  written {figures[1]:.0e}"
                      + ("" if agrees else "  DIFFERS"))
    print("DIFFERS" if failed else f"agrees within {TOLERANCE:g}")
    sys.exit(failed)


if __name__ == "__main__":
    main()

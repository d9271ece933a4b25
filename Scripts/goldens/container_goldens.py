#!/usr/bin/env python3
"""Small .npz and .pt files that NumPy and PyTorch wrote, for Tests/PrismFormatsTests/Goldens, and what is in them.

    .venv-conformance/bin/python Scripts/goldens/container_goldens.py
"""

import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

GOLDENS = Path(__file__).resolve().parents[2] / "Tests/PrismFormatsTests/Goldens"

arrays = {"a": np.arange(600, dtype="f4").reshape(20, 30) % 7, "b": np.float64(2.5), "c": np.arange(5)}
np.savez(GOLDENS / "stored.npz", **arrays)
np.savez_compressed(GOLDENS / "deflated.npz", **arrays)

base = torch.arange(24, dtype=torch.float32).reshape(4, 6)
state = OrderedDict(
    whole=base, transposed=base.T, part=base[1:3, 2:5], half=base.half()[0], brain=base.bfloat16()[1], wide=base.double()[2],
    counts=torch.tensor([1, -2, 3]), scalar=torch.tensor(-1.5), empty=torch.zeros(0, 3),
    parameter=torch.nn.Parameter(torch.ones(2)), step=300, rate=0.25, name="é", flag=True, nothing=None,
    inner={"k": 4, "big": 1 << 40, "minus": -5})
torch.save(state, GOLDENS / "state.pt")
tensors = {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}
expected = {
    "npz": {key: [list(np.shape(value)), np.ravel(value).astype(float).tolist()] for key, value in arrays.items()},
    "pt": {key: [list(value.shape), value.detach().double().reshape(-1).tolist()] for key, value in tensors.items()},
}
(GOLDENS / "containers.json").write_text(json.dumps(expected))

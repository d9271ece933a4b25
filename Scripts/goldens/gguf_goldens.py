"""Goldens of the file formats, made with the reference libraries.

    pip install gguf numpy safetensors
    python Scripts/goldens/gguf_goldens.py

writes into Tests/PrismFormatsTests/Goldens:
- types.gguf: metadata of all 13 kinds and one tensor of each supported type, written by `gguf`;
- types.safetensors: what `gguf` dequantises them to, written by `safetensors`;
- dtypes.safetensors, dtypes-f32.safetensors: the same numbers in each plain type and as fp32;
- *.npy: written by `numpy`, and npy.json: what they hold.
"""

import json
from pathlib import Path

import gguf
import numpy as np
import safetensors
from gguf import GGMLQuantizationType as T
from safetensors.numpy import save_file

SEED = 20250131
FOLDER = Path(__file__).parents[2] / "Tests/PrismFormatsTests/Goldens"
FOLDER.mkdir(parents=True, exist_ok=True)
rng = np.random.default_rng(SEED)
versions = {"gguf": __import__("importlib.metadata").metadata.version("gguf"), "numpy": np.__version__,
            "safetensors": safetensors.__version__, "seed": str(SEED)}

# Where the K formats keep their fp16 numbers, in bytes from a block's start; the rest of a block may be anything.
HALVES = {T.Q2_K: (80, 82), T.Q3_K: (108,), T.Q4_K: (0, 2), T.Q5_K: (0, 2), T.Q6_K: (208,)}


def random_blocks(kind, rows, blocks):
    size = gguf.GGML_QUANT_SIZES[kind][1]
    raw = rng.integers(0, 256, (rows, blocks, size), dtype=np.uint8)
    for at in HALVES[kind]:
        d = rng.normal(0, 0.02, (rows, blocks)).astype(np.float16)
        d[0, 0] = np.float16(3e-7)  # a subnormal
        raw[:, :, at:at + 2] = d[..., None].view(np.uint8)
    return raw.reshape(rows, blocks * size)


writer = gguf.GGUFWriter(FOLDER / "types.gguf", "golden")
writer.add_uint8("kind.uint8", 200)
writer.add_int8("kind.int8", -100)
writer.add_uint16("kind.uint16", 60000)
writer.add_int16("kind.int16", -30000)
writer.add_uint32("kind.uint32", 4000000000)
writer.add_int32("kind.int32", -2000000000)
writer.add_float32("kind.float32", 0.1)
writer.add_bool("kind.bool", True)
writer.add_string("kind.string", "prism – Δ 光")
writer.add_uint64("kind.uint64", 2**63 + 1)
writer.add_int64("kind.int64", -(2**62))
writer.add_float64("kind.float64", 0.1)
writer.add_array("kind.strings", ["a", "", "Ġb"])
writer.add_array("kind.integers", [1, -2, 3])
writer.add_array("kind.nested", [[1, 2], [3], [4, 5, 6]])
for name, version in versions.items():
    writer.add_string(f"golden.{name}", version)

expected = {}
for kind in (T.F32, T.F16, T.BF16, T.Q4_0, T.Q4_1, T.Q5_0, T.Q5_1, T.Q8_0, *HALVES):
    name = f"{kind.name}.weight"
    if kind in HALVES:
        raw = random_blocks(kind, 3, 1)
    else:
        values = rng.normal(0, 0.05, (2, 5, 32)).astype(np.float32)
        values[0, 0, :4] = [0, 1e-6, -3e-8, 7]
        if kind in (T.Q4_0, T.Q8_0):
            values[1, 1] = 0
        raw = gguf.quants.quantize(values, kind)
    expected[name] = np.ascontiguousarray(gguf.quants.dequantize(raw, kind))
    writer.add_tensor(name, raw, raw_dtype=kind)
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
save_file(expected, FOLDER / "types.safetensors", metadata=versions)

numbers = np.array([[0, 1, 2], [100, 3, 77]])
plain = {"F64": np.float64, "F32": np.float32, "F16": np.float16, "I64": np.int64, "I32": np.int32, "I16": np.int16,
         "I8": np.int8, "U64": np.uint64, "U32": np.uint32, "U16": np.uint16, "U8": np.uint8, "BOOL": np.bool_}
typed = {}
for name, dtype in plain.items():
    values = numbers / 7 if name[0] == "F" else -numbers if name[0] == "I" else numbers
    typed[name] = values.astype(dtype)
typed["scalar"] = np.array(2.5, dtype=np.float64)
typed["empty"] = np.zeros((0, 4), dtype=np.float32)
save_file(typed, FOLDER / "dtypes.safetensors", metadata=versions)
save_file({k: np.ascontiguousarray(v).astype(np.float32).reshape(v.shape) for k, v in typed.items()},
          FOLDER / "dtypes-f32.safetensors", metadata=versions)

arrays = {}
for dtype in ("<f2", "<f4", "<f8", "<i4", "<i8"):
    for shape in ((7,), (3, 4), (2, 3, 2), (), (0, 5)):
        values = (rng.normal(0, 100, shape) * np.ones(shape)).astype(dtype) if shape else np.array(-3.5).astype(dtype)
        arrays[f"{dtype[1:]}-{'x'.join(map(str, shape)) or 'scalar'}.npy"] = values
contents = {}
for name, values in arrays.items():
    np.save(FOLDER / name, values)
    contents[name] = {"shape": list(values.shape), "values": [float(np.float32(v)) for v in values.ravel()]}
for version in ((2, 0), (3, 0)):
    name = f"version-{version[0]}.npy"
    with open(FOLDER / name, "wb") as file:
        np.lib.format.write_array(file, numbers.astype("<f4"), version=version)
    contents[name] = {"shape": [2, 3], "values": [float(v) for v in numbers.ravel()]}
np.save(FOLDER / "fortran.npy", np.asfortranarray(numbers.astype("<f4")))
np.save(FOLDER / "complex.npy", numbers.astype("<c8"))
(FOLDER / "npy.json").write_text(json.dumps({"versions": versions, "arrays": contents}, indent=1))

#!/usr/bin/env python3
"""Writes the goldens of the Llama family with the reference implementation, Hugging Face transformers on torch, in fp32.

    python3 -m venv .venv && .venv/bin/pip install torch transformers accelerate gguf safetensors
    .venv/bin/python Scripts/goldens/llama_goldens.py [--only tiny|smollm2]

tiny     random Llamas of a few thousand weights, in every layout that Prism loads, with every hook point:
           tiny-llama/           Hugging Face folder, untied
           tiny-llama-tied/      the same, tied embeddings and heads wider than width / heads
           tiny-llama-sharded/   tiny-llama's weights in two shards
           tiny-llama.gguf       tiny-llama's weights as llama.cpp's converter lays them out (q and k permuted)
           */goldens.safetensors the activations, one tensor per hook name, and "logits"
smollm2  smollm2-goldens.json: the real model (models/SmolLM2-135M-Instruct.Q4_1.gguf, dequantised) on four prompts.
"""

import argparse
import json
import shutil
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM

SEED = 20240611
ROOT = Path(__file__).resolve().parents[2]
GOLDENS = ROOT / "Tests/PrismModelsTests/Goldens"
MODEL = ROOT / "models/SmolLM2-135M-Instruct.Q4_1.gguf"
PROMPTS = [
    "The capital of France is",
    "def fibonacci(n):\n    if n < 2:\n        return n\n    return",
    "Once upon a time, in a village at the foot of the mountains, there lived an old clockmaker who",
    "<|im_start|>user\nWhy is the sky blue?<|im_end|>\n<|im_start|>assistant\n",
]
VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__, "seed": SEED}


def activations(model, contexts):
    """Every hook point under its interchange name, the contexts' rows one after the other, and the logits."""
    found = {}

    def keep(name, tensor):
        found.setdefault(name, []).append(tensor.detach()[0].clone())

    def output(name):
        return lambda module, args, result: keep(name, result[0] if isinstance(result, tuple) else result)

    def argument(name):
        return lambda module, args: keep(name, args[0])

    inner = model.model
    handles = [
        inner.embed_tokens.register_forward_hook(output("hook_embed")),
        inner.norm.register_forward_hook(output("ln_final.hook_out")),
    ]
    for i, layer in enumerate(inner.layers):
        at = f"blocks.{i}."
        handles += [
            layer.register_forward_pre_hook(argument(at + "hook_resid_pre")),
            layer.self_attn.register_forward_hook(output(at + "hook_attn_out")),
            layer.post_attention_layernorm.register_forward_pre_hook(argument(at + "hook_resid_mid")),
            layer.post_attention_layernorm.register_forward_hook(output(at + "mlp.hook_in")),
            layer.mlp.down_proj.register_forward_pre_hook(argument(at + "mlp.hook_post")),
            layer.mlp.register_forward_hook(output(at + "hook_mlp_out")),
            layer.register_forward_hook(output(at + "hook_resid_post")),
        ]
    with torch.no_grad():
        for context in contexts:
            keep("logits", model(torch.tensor([context]), use_cache=False).logits)
    for handle in handles:
        handle.remove()
    return {name: torch.cat(rows).contiguous() for name, rows in found.items()}


def tiny(name, **changes):
    """A random Llama whose weights are multiples of 1/256 below 1/2, so that bf16 and fp16 hold them exactly."""
    torch.manual_seed(SEED)
    settings = dict(
        hidden_size=32, intermediate_size=40, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=2,
        vocab_size=64, max_position_embeddings=128, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False,
        bos_token_id=1, eos_token_id=2, attn_implementation="eager",
    )  # fmt: skip
    model = LlamaForCausalLM(LlamaConfig(**settings | changes)).float().eval()
    with torch.no_grad():
        for key, weight in model.named_parameters():
            if "norm" in key:
                weight.copy_(1 + torch.randint(-32, 33, weight.shape) / 128)
            else:
                weight.copy_((torch.randn_like(weight) * 40).round().clamp(-127, 127) / 256)
    folder = GOLDENS / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    contexts = [torch.randint(0, model.config.vocab_size, (n,)).tolist() for n in (7, 1, 5)]
    save_file(activations(model, contexts), folder / "goldens.safetensors")
    (folder / "goldens.json").write_text(json.dumps(VERSIONS | {"contexts": contexts}) + "\n")
    write_folder(model, folder)
    return model


def write_folder(model, folder, shards=1):
    config = model.config.to_dict()
    config["architectures"] = ["LlamaForCausalLM"]
    (folder / "config.json").write_text(json.dumps(config, indent=1, sort_keys=True, default=str) + "\n")
    weights = {k: v.to(torch.bfloat16) for k, v in model.state_dict().items()}
    if model.config.tie_word_embeddings:
        del weights["lm_head.weight"]
    if shards == 1:
        save_file(weights, folder / "model.safetensors")
        return
    names = sorted(weights)
    place = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05d}-of-{shards:05d}.safetensors"
        part = names[shard::shards]
        save_file({k: weights[k] for k in part}, folder / file)
        place |= {k: file for k in part}
    index = {"metadata": {"total_size": sum(v.nbytes for v in weights.values())}, "weight_map": place}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index, indent=1) + "\n")


def write_gguf(model, path):
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(config.rope_parameters["rope_theta"])
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for key, weight in model.state_dict().items():
        values = weight.numpy()
        for part, heads in (("q_proj", config.num_attention_heads), ("k_proj", config.num_key_value_heads)):
            if part in key:  # half-split pairs become neighbours
                split = values.reshape(heads, 2, values.shape[0] // heads // 2, -1)
                values = np.ascontiguousarray(split.swapaxes(1, 2)).reshape(values.shape)
        dtype = np.float32 if values.ndim == 1 else np.float16
        writer.add_tensor(names.get_name(key, try_suffixes=(".weight",)), values.astype(dtype))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def smollm2():
    tokenizer = AutoTokenizer.from_pretrained(MODEL.parent, gguf_file=MODEL.name)
    model = AutoModelForCausalLM.from_pretrained(
        MODEL.parent, gguf_file=MODEL.name, dtype=torch.float32, attn_implementation="eager"
    ).eval()
    sample = torch.randperm(model.config.vocab_size, generator=torch.Generator().manual_seed(SEED))[:512].sort().values
    golden = VERSIONS | {"model": MODEL.name, "sample": sample.tolist(), "prompts": []}
    for text in PROMPTS:
        tokens = tokenizer(text, add_special_tokens=False).input_ids
        found = activations(model, [tokens])
        last = found["logits"][-1]
        top = last.topk(20)
        with torch.no_grad():
            greedy = model.generate(
                torch.tensor([tokens]), max_new_tokens=16, do_sample=False, eos_token_id=None, pad_token_id=2
            )
        golden["prompts"].append({
            "text": text,
            "tokens": tokens,
            "logits": numbers(last[sample]),
            "topTokens": top.indices.tolist(),
            "topLogits": numbers(top.values),
            "greedy": greedy[0, len(tokens):].tolist(),
            # The last position's residual stream, every 9th of its 576 numbers.
            "residualPost": {str(l): numbers(found[f"blocks.{l}.hook_resid_post"][-1, ::9]) for l in (0, 15, 29)},
        })  # fmt: skip
    (GOLDENS / "smollm2-goldens.json").write_text(json.dumps(golden) + "\n")


def numbers(tensor):
    return [float(f"{x:.7g}") for x in tensor.tolist()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["tiny", "smollm2"])
    only = parser.parse_args().only
    if only != "smollm2":
        model = tiny("tiny-llama")
        tiny("tiny-llama-tied", tie_word_embeddings=True, head_dim=12, num_hidden_layers=2, rope_theta=5000.0)
        sharded = GOLDENS / "tiny-llama-sharded"
        shutil.rmtree(sharded, ignore_errors=True)
        sharded.mkdir()
        write_folder(model, sharded, shards=2)
        write_gguf(model, GOLDENS / "tiny-llama.gguf")
    if only != "tiny":
        smollm2()

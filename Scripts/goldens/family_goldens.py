#!/usr/bin/env python3
"""Writes the goldens of the model families with the reference implementation, Hugging Face transformers on torch, in fp32.

    python3 -m venv .venv && .venv/bin/pip install torch transformers gguf safetensors
    .venv/bin/python Scripts/goldens/family_goldens.py [--only gpt2 gemma2 …]

Each family is a random model of a few thousand weights, in Tests/PrismModelsTests/Goldens/families:

    NAME/config.json          with the keys that published models of the family have
    NAME/config-v5.json       the same as transformers 5 writes it (RoPE in rope_parameters, layer_types spelled out)
    NAME/model.safetensors    bf16, under Hugging Face's names
    NAME/goldens.json         versions, seed, the contexts' tokens and the loss
    NAME/goldens.safetensors  fp32, one tensor per hook name, the contexts' rows one after the other, and "logits";
                              "grad.HOOK", the gradient of the loss with respect to each of them;
                              for some families "grad.weight.NAME" for each tensor of model.safetensors
    NAME-published/           for two families, the same model with the names and the left-overs that published files have
    NAME.gguf                 the weights as llama.cpp's converter lays them out, where GGUF can say what the model is

The loss is the mean cross-entropy, in nats, of all predictions of a next token; a context of one token has none. A
gradient is that of the value at its hook point: at mlp.hook_in, of what the MLP reads and not of the residual stream that
it may be a copy of. Of tied embeddings the gradient is the sum of both uses.

What the script checks: every folder loads and gives the same logits; attention and MLP add up to the residual stream, and
their gradients are the stream's; what is in the GGUF file comes back from its reader. The GGUF files were compared with
what convert_hf_to_gguf.py (of November 2026) makes of the folders: each tensor has the same name, type and bytes, each key
the same value. Two exceptions: the converter does not write gemma3.attention.sliding_window_pattern, and it computes
rope_freqs.weight in fp32.

What a GGUF file cannot say, as of llama.cpp's convert_hf_to_gguf.py: ReLU in GPT-2 (and an MLP that is not four times as
wide); a window in architecture llama, which Mistral is converted to; Gemma's query_pre_attn_scalar, which is the head
width or, in the 27B models, width / heads; GPT-J at all. Those families have no file, or a second model has.
"""

import argparse
import json
import math
import shutil
import tempfile
from pathlib import Path

import gguf
import numpy as np
import torch
import transformers
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

SEED = 20240611
FAMILIES = Path(__file__).resolve().parents[2] / "Tests/PrismModelsTests/Goldens/families"
transformers.utils.logging.disable_progress_bar()
VERSIONS = {"torch": torch.__version__, "transformers": transformers.__version__, "seed": SEED}

# Where a block's hook points are. out: the module whose output attention adds to the residual stream; mid: the module
# that reads the stream between attention and MLP, none if the two are parallel; down: the MLP's last projection.
GPT2 = dict(
    blocks="transformer.h", norm="transformer.ln_f", out="attn", mid="ln_2", mlp="mlp", down="mlp.c_proj", mlp_out="mlp"
)
GPTJ = GPT2 | dict(mid=None, down="mlp.fc_out")
NEOX = dict(
    blocks="gpt_neox.layers", norm="gpt_neox.final_layer_norm", out="attention", mid=None, mlp="mlp",
    down="mlp.dense_4h_to_h", mlp_out="mlp",
)  # fmt: skip
LLAMA = dict(
    blocks="model.layers", norm="model.norm", out="self_attn", mid="post_attention_layernorm", mlp="mlp",
    down="mlp.down_proj", mlp_out="mlp",
)  # fmt: skip
GEMMA = LLAMA | dict(
    out="post_attention_layernorm", mid="pre_feedforward_layernorm", mlp_out="post_feedforward_layernorm"
)
OLMO2 = GEMMA | dict(mid="mlp")

SHAPE = dict(
    hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
    vocab_size=40, max_position_embeddings=32, hidden_act="silu", rms_norm_eps=1e-5, rope_theta=10000.0,
    tie_word_embeddings=False, bos_token_id=1, eos_token_id=2, torch_dtype="bfloat16",
)  # fmt: skip
GEMMA_SHAPE = {k: v for k, v in SHAPE.items() if k not in ("hidden_act", "tie_word_embeddings")} | dict(
    head_dim=8, hidden_activation="gelu_pytorch_tanh", rms_norm_eps=1e-6, sliding_window=4, attention_bias=False,
    bos_token_id=2, eos_token_id=1, pad_token_id=None,
)  # fmt: skip
GPT2_SHAPE = dict(
    architectures=["GPT2LMHeadModel"], model_type="gpt2", n_embd=16, n_layer=2, n_head=4, n_positions=32, n_ctx=32,
    vocab_size=40, activation_function="gelu_new", layer_norm_epsilon=1e-5, bos_token_id=0, eos_token_id=0,
    torch_dtype="bfloat16",
)  # fmt: skip
NEOX_SHAPE = dict(
    architectures=["GPTNeoXForCausalLM"], model_type="gpt_neox", hidden_size=32, intermediate_size=24,
    num_hidden_layers=2, num_attention_heads=2, vocab_size=40, max_position_embeddings=32, hidden_act="gelu",
    layer_norm_eps=1e-5, rotary_pct=0.25, rotary_emb_base=10000, use_parallel_residual=True, tie_word_embeddings=False,
    bos_token_id=0, eos_token_id=0, torch_dtype="bfloat16",
)  # fmt: skip
MISTRAL_SHAPE = SHAPE | dict(architectures=["MistralForCausalLM"], model_type="mistral")
GEMMA2_SHAPE = GEMMA_SHAPE | dict(
    architectures=["Gemma2ForCausalLM"], model_type="gemma2", attn_logit_softcapping=2.0, final_logit_softcapping=3.0
)
GEMMA3_SHAPE = GEMMA_SHAPE | dict(
    architectures=["Gemma3ForCausalLM"], model_type="gemma3_text", query_pre_attn_scalar=8, rope_theta=1000000.0,
    rope_local_base_freq=10000.0, rope_scaling={"factor": 2.0, "rope_type": "linear"}, attn_logit_softcapping=None,
    final_logit_softcapping=None,
)  # fmt: skip

# name: (places of the hook points, config.json, which gradients: hooks, weights; GGUF architecture)
MODELS = {
    "gpt2": (GPT2, GPT2_SHAPE, ("hooks", "weights"), "gpt2"),
    # ReLU, untied, an MLP of any width.
    "gpt2-relu": (
        GPT2, GPT2_SHAPE | dict(activation_function="relu", n_inner=24, tie_word_embeddings=False),
        ("hooks", "weights"), None,
    ),
    # 4 of a head's 16 numbers rotate.
    "gpt_neox": (NEOX, NEOX_SHAPE, ("hooks", "weights"), "gptneox"),
    "gpt_neox-sequential": (
        NEOX | dict(mid="post_attention_layernorm"), NEOX_SHAPE | dict(use_parallel_residual=False), ("hooks",),
        "gptneox",
    ),
    # 4 of a head's 8 numbers rotate, as neighbouring pairs.
    "gptj": (
        GPTJ,
        dict(
            architectures=["GPTJForCausalLM"], model_type="gptj", n_embd=16, n_layer=2, n_head=2, n_inner=24,
            n_positions=32, rotary_dim=4, vocab_size=40, activation_function="gelu_new", layer_norm_epsilon=1e-5,
            tie_word_embeddings=False, bos_token_id=0, eos_token_id=0, torch_dtype="bfloat16",
        ),
        ("hooks",), None,
    ),
    # The wavelengths are 6.3, 25, 101 and 402 tokens: below 64 / 4, between, and twice above 64 / 1.
    "llama3": (
        LLAMA,
        SHAPE | dict(
            architectures=["LlamaForCausalLM"], model_type="llama", head_dim=8, rope_theta=256.0,
            max_position_embeddings=512, attention_bias=False, mlp_bias=False,
            rope_scaling=dict(
                rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
                original_max_position_embeddings=64,
            ),
        ),
        ("hooks", "weights"), "llama",
    ),
    "mistral": (LLAMA, MISTRAL_SHAPE | dict(sliding_window=4), ("hooks",), None),
    # As the later ones: no window, a head width of its own.
    "mistral-full": (LLAMA, MISTRAL_SHAPE | dict(sliding_window=None, head_dim=6), (), "llama"),
    # Tied; the window is there and not used.
    "qwen2": (
        LLAMA,
        SHAPE | dict(
            architectures=["Qwen2ForCausalLM"], model_type="qwen2", rms_norm_eps=1e-6, rope_theta=1000000.0,
            sliding_window=4, use_sliding_window=False, max_window_layers=1, tie_word_embeddings=True,
        ),
        ("hooks",), "qwen2",
    ),
    "qwen3": (
        LLAMA,
        SHAPE | dict(
            architectures=["Qwen3ForCausalLM"], model_type="qwen3", head_dim=8, rms_norm_eps=1e-6,
            rope_theta=1000000.0, attention_bias=False, sliding_window=None, use_sliding_window=False,
            max_window_layers=2,
        ),
        ("hooks", "weights"), "qwen3",
    ),
    "gemma2": (GEMMA, GEMMA2_SHAPE | dict(query_pre_attn_scalar=5), ("hooks", "weights"), None),
    "gemma2-plain": (GEMMA, GEMMA2_SHAPE | dict(query_pre_attn_scalar=8), (), "gemma2"),
    # Layers 0 and 1 local, layer 2 global.
    "gemma3": (GEMMA, GEMMA3_SHAPE | dict(num_hidden_layers=3, sliding_window_pattern=3), ("hooks",), "gemma3"),
    # The published models' pattern, which is the default of both formats: of six layers the last is global.
    "gemma3-six": (
        GEMMA,
        GEMMA3_SHAPE | dict(
            hidden_size=8, intermediate_size=12, num_hidden_layers=6, num_attention_heads=2, num_key_value_heads=1,
            sliding_window_pattern=6,
        ),
        (), "gemma3",
    ),
    "olmo2": (
        OLMO2,
        SHAPE | dict(
            architectures=["Olmo2ForCausalLM"], model_type="olmo2", rms_norm_eps=1e-6, rope_theta=500000.0,
            attention_bias=False, rope_scaling=None, pad_token_id=None,
        ),
        ("hooks",), "olmo2",
    ),
    "phi3": (
        LLAMA,
        SHAPE | dict(
            architectures=["Phi3ForCausalLM"], model_type="phi3", attention_bias=False, rope_scaling=None,
            original_max_position_embeddings=32, sliding_window=4, pad_token_id=None,
        ),
        ("hooks",), "phi3",
    ),
}  # fmt: skip


def tiny(name):
    """A random model whose weights are multiples of 1/256 below 1/2, so that bf16 and fp16 hold them exactly."""
    places, settings, gradients, architecture = MODELS[name]
    folder = FAMILIES / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(settings, indent=1, sort_keys=True) + "\n")
    config = AutoConfig.from_pretrained(folder)
    (folder / "config-v5.json").write_text(config.to_json_string(use_diff=True))
    model = AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()

    torch.manual_seed(SEED)
    neutral = 0 if "gemma" in config.model_type else 1  # Gemma's norms multiply by 1 + weight
    with torch.no_grad():
        for key, weight in model.named_parameters():
            if is_norm(key) and key.endswith("weight"):
                weight.copy_(neutral + torch.randint(-32, 33, weight.shape) / 128)
            else:
                weight.copy_((torch.randn_like(weight) * 40).round().clamp(-127, 127) / 256)
    contexts = [torch.randint(0, config.vocab_size, (n,)).tolist() for n in (7, 1, 5)]

    kept = stored(model)
    save_file({k: v.to(torch.bfloat16) for k, v in kept.items()}, folder / "model.safetensors", {"format": "pt"})
    found, slopes, loss = activations(model, places, contexts)
    check_sums(found, slopes, config.num_hidden_layers, places["mid"] is None)
    goldens = dict(found)
    if "hooks" in gradients:
        goldens |= {"grad." + k: v for k, v in slopes.items()}
    if "weights" in gradients:
        parameters = dict(model.named_parameters())
        goldens |= {"grad.weight." + k: parameters[k.replace("embed_out", "lm_head")].grad for k in kept}
    save_file(goldens, folder / "goldens.safetensors")
    (folder / "goldens.json").write_text(json.dumps(VERSIONS | {"contexts": contexts, "loss": loss}) + "\n")
    for file in ("config.json", "config-v5.json"):
        check_reloads(folder / file, folder / "model.safetensors", contexts, found["logits"])
    if name in PUBLISHED:
        older = FAMILIES / f"{name}-published"
        shutil.rmtree(older, ignore_errors=True)
        older.mkdir()
        shutil.copy(folder / "config.json", older)
        save_file(PUBLISHED[name](kept, config), older / "model.safetensors", {"format": "pt"})
        check_reloads(older / "config.json", older / "model.safetensors", contexts, found["logits"])
    path = FAMILIES / f"{name}.gguf"
    path.unlink(missing_ok=True)
    if architecture:
        write_gguf(architecture, config, kept, path)


def is_norm(key):
    return any(part in key for part in ("norm", "ln_"))


def stored(model):
    """The tensors under the names that files have: tied weights once, under the embedding's name, and GPT-NeoX's
    unembedding under the name that it had before transformers 5, which still writes it."""
    neox = model.config.model_type == "gpt_neox"
    return {
        "embed_out.weight" if neox and k == "lm_head.weight" else k: v.detach()
        for k, v in model.state_dict().items()
        if not (k == "lm_head.weight" and model.config.tie_word_embeddings)
    }


def published_gpt2(weights, config):
    """As openai-community/gpt2 has them: the inner model's tensors, fp32, and a mask in each block."""
    mask = torch.ones(1, 1, config.n_positions, config.n_positions).tril()
    return {k.removeprefix("transformer."): v for k, v in weights.items()} | {
        f"h.{i}.attn.bias": mask.clone() for i in range(config.n_layer)
    }


def published_gpt_neox(weights, config):
    """As EleutherAI's Pythia has them: fp16, with a mask, its value and the rotation's frequencies in each block."""
    count, width = config.max_position_embeddings, config.hidden_size // config.num_attention_heads
    rotary = int(config.rope_parameters["partial_rotary_factor"] * width)
    tensors = {k: v.half() for k, v in weights.items()}
    for i in range(config.num_hidden_layers):
        at = f"gpt_neox.layers.{i}.attention."
        tensors[at + "bias"] = torch.ones(1, 1, count, count, dtype=torch.bool).tril()
        tensors[at + "masked_bias"] = torch.tensor(-1e9).clamp(min=torch.finfo(torch.float16).min).half()
        tensors[at + "rotary_emb.inv_freq"] = (10000 ** -(torch.arange(0, rotary, 2) / rotary)).half()
    return tensors


PUBLISHED = {"gpt2": published_gpt2, "gpt_neox": published_gpt_neox}


def activations(model, places, contexts):
    """The value and the gradient at every hook point, each under its interchange name, and the loss."""
    found = {}

    def keep(name, tensor):
        tensor.retain_grad()
        found.setdefault(name, []).append(tensor)

    def output(name):
        return lambda module, args, result: keep(name, result[0] if isinstance(result, tuple) else result)

    def argument(name):
        return lambda module, args: keep(name, args[0])

    def copied_argument(name):  # so that the gradient is of what this module reads, not of all that read the same
        def hook(module, args):
            copy = args[0].clone()
            keep(name, copy)
            return (copy, *args[1:])

        return hook

    blocks = model.get_submodule(places["blocks"])
    blocks[0].register_forward_pre_hook(argument("hook_embed"))
    model.get_submodule(places["norm"]).register_forward_hook(output("ln_final.hook_out"))
    for i, block in enumerate(blocks):
        at = f"blocks.{i}."
        block.register_forward_pre_hook(argument(at + "hook_resid_pre"))
        block.get_submodule(places["out"]).register_forward_hook(output(at + "hook_attn_out"))
        if places["mid"]:
            block.get_submodule(places["mid"]).register_forward_pre_hook(argument(at + "hook_resid_mid"))
        block.get_submodule(places["mlp"]).register_forward_pre_hook(copied_argument(at + "mlp.hook_in"))
        block.get_submodule(places["down"]).register_forward_pre_hook(argument(at + "mlp.hook_post"))
        block.get_submodule(places["mlp_out"]).register_forward_hook(output(at + "hook_mlp_out"))
        block.register_forward_hook(output(at + "hook_resid_post"))

    loss = 0
    for context in contexts:
        tokens = torch.tensor([context])
        logits = model(tokens, use_cache=False).logits
        keep("logits", logits)
        loss = loss + torch.nn.functional.cross_entropy(logits[0, :-1], tokens[0, 1:], reduction="sum")
    loss = loss / sum(len(context) - 1 for context in contexts)
    loss.backward()
    values = {k: torch.cat([x.detach()[0] for x in v]).contiguous() for k, v in found.items()}
    slopes = {k: torch.cat([torch.zeros_like(x[0]) if x.grad is None else x.grad[0] for x in v]).contiguous()
              for k, v in found.items()}  # fmt: skip
    return values, slopes, loss.item()


def check_sums(values, slopes, layers, parallel):
    def same(a, b):
        assert torch.allclose(a, b, rtol=1e-5, atol=1e-6)

    same(values["hook_embed"], values["blocks.0.hook_resid_pre"])
    for i in range(layers):
        at = f"blocks.{i}."
        pre, attention, mlp, post = (
            at + s for s in ("hook_resid_pre", "hook_attn_out", "hook_mlp_out", "hook_resid_post")
        )
        same(values[post], values[pre] + values[attention] + values[mlp])
        same(slopes[post], slopes[mlp])
        if parallel:
            same(slopes[post], slopes[attention])
        else:
            same(values[at + "hook_resid_mid"], values[pre] + values[attention])
            same(slopes[at + "hook_resid_mid"], slopes[attention])
        if i:
            same(values[pre], values[f"blocks.{i - 1}.hook_resid_post"])
            same(slopes[pre], slopes[f"blocks.{i - 1}.hook_resid_post"])


def check_reloads(config, weights, contexts, logits):
    with tempfile.TemporaryDirectory() as copy:
        shutil.copy(config, Path(copy) / "config.json")
        shutil.copy(weights, copy)
        model, report = AutoModelForCausalLM.from_pretrained(
            copy, attn_implementation="eager", dtype=torch.float32, output_loading_info=True
        )
    assert not report["missing_keys"] and not report["unexpected_keys"], report
    with torch.no_grad():
        again = torch.cat([model(torch.tensor([context]), use_cache=False).logits[0] for context in contexts])
    # Not bit for bit: the order of a sum can depend on where in memory the weights lie.
    assert torch.allclose(again, logits, rtol=0, atol=1e-6), (config, (again - logits).abs().max())


def gguf_keys(architecture, config):
    """What the converter writes about a model of this architecture, without the "ARCHITECTURE." before each key."""
    rope = getattr(config, "rope_parameters", None) or {}
    keys = {
        "block_count": config.num_hidden_layers,
        "context_length": config.max_position_embeddings,
        "embedding_length": config.hidden_size,
        "attention.head_count": config.num_attention_heads,
    }
    if architecture == "gpt2":
        assert config.n_inner is None
        return keys | {
            "feed_forward_length": 4 * config.n_embd,
            "attention.layer_norm_epsilon": config.layer_norm_epsilon,
        }
    keys["feed_forward_length"] = config.intermediate_size
    if architecture == "gptneox":
        head_width = config.hidden_size // config.num_attention_heads
        return keys | {
            "rope.dimension_count": int(rope["partial_rotary_factor"] * head_width),
            "use_parallel_residual": config.use_parallel_residual,
            "attention.layer_norm_epsilon": config.layer_norm_eps,
        }
    keys |= {
        "attention.head_count_kv": config.num_key_value_heads,
        "attention.layer_norm_rms_epsilon": config.rms_norm_eps,
    }
    head_width = getattr(config, "head_dim", None)
    if head_width and architecture != "phi3":
        keys |= {"attention.key_length": head_width, "attention.value_length": head_width}
    head_width = head_width or config.hidden_size // config.num_attention_heads
    if architecture == "llama":
        keys |= {"vocab_size": config.vocab_size, "rope.dimension_count": head_width}
    if architecture == "phi3":
        keys |= {
            "rope.dimension_count": head_width,
            "rope.scaling.original_context_length": config.original_max_position_embeddings,
        }
    if architecture in ("gemma2", "gemma3", "phi3"):
        keys["attention.sliding_window"] = config.sliding_window
    if architecture == "gemma2":
        return keys | {
            "attn_logit_softcapping": config.attn_logit_softcapping,
            "final_logit_softcapping": config.final_logit_softcapping,
        }
    if architecture == "gemma3":
        whole, local = rope["full_attention"], rope["sliding_attention"]
        keys |= {
            "rope.freq_base": whole["rope_theta"],
            "rope.freq_base_swa": local["rope_theta"],
            "rope.scaling.type": "linear",
            "rope.scaling.factor": whole["factor"],
        }
        if config.num_hidden_layers < 6:
            # The converter leaves it out for this architecture, whose default is a period of 6. llama.cpp reads it, as
            # a period or as here.
            keys["attention.sliding_window_pattern"] = [t == "sliding_attention" for t in config.layer_types]
        return keys
    return keys | {"rope.freq_base": rope["rope_theta"]}


def gguf_tensors(architecture, config, weights):
    """The tensors under GGUF's names: all matrices are [out, in], as torch's Linear has them."""
    names = gguf.get_tensor_name_map(
        next(k for k, v in gguf.MODEL_ARCH_NAMES.items() if v == architecture), config.num_hidden_layers
    )
    tensors = {}
    for key, weight in weights.items():
        values = weight.numpy()
        if architecture == "gpt2" and values.ndim == 2 and ".c_" in key:
            values = values.T  # Conv1D has [in, out]
        if architecture == "gptneox" and "query_key_value" in key:
            # [heads, q k v, …] becomes [q k v, heads, …]
            heads = values.reshape(config.num_attention_heads, 3, -1)
            values = heads.swapaxes(0, 1).reshape(values.shape)
        if architecture == "llama" and ("q_proj" in key or "k_proj" in key):
            # The halves of a head, whose numbers rotate in pairs, become neighbours.
            heads = config.num_attention_heads if "q_proj" in key else config.num_key_value_heads
            halves = values.reshape(heads, 2, values.shape[0] // heads // 2, -1)
            values = halves.swapaxes(1, 2).reshape(values.shape)
        if architecture.startswith("gemma") and key.endswith("norm.weight"):
            values = values + 1
        name = names.get_name(key, try_suffixes=(".weight", ".bias"))
        single = values.ndim == 1 or name == "position_embd.weight"
        tensors[name] = np.ascontiguousarray(values, dtype=np.float32 if single else np.float16)
    rope = getattr(config, "rope_parameters", None) or {}
    if architecture == "llama" and rope.get("rope_type") == "llama3":
        tensors["rope_freqs.weight"] = llama3_factors(config.head_dim, **rope)
    return tensors


def llama3_factors(
    width, rope_theta, factor, low_freq_factor, high_freq_factor, original_max_position_embeddings, rope_type
):
    """What each pair's frequency is divided by."""
    factors = []
    for i in range(0, width, 2):
        wavelength = 2 * math.pi * rope_theta ** (i / width)
        turns = original_max_position_embeddings / wavelength
        if turns > high_freq_factor:
            factors.append(1)
        elif turns < low_freq_factor:
            factors.append(factor)
        else:
            smooth = (turns - low_freq_factor) / (high_freq_factor - low_freq_factor)
            factors.append(1 / ((1 - smooth) / factor + smooth))
    assert 1 in factors and factor in factors and any(1 < f < factor for f in factors)
    return np.array(factors, dtype=np.float32)


def write_gguf(architecture, config, weights, path):
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(path.stem)
    for key, value in gguf_keys(architecture, config).items():
        add = {bool: writer.add_bool, int: writer.add_uint32, float: writer.add_float32, str: writer.add_string,
               list: writer.add_array}[type(value)]  # fmt: skip
        add(f"{architecture}.{key}", value)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    tensors = gguf_tensors(architecture, config, weights)
    for name, values in tensors.items():
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    # Every weight is in the file exactly, whatever its order.
    read = {t.name: np.array(t.data) for t in gguf.GGUFReader(path).tensors}
    assert read.keys() == tensors.keys() and all(np.array_equal(read[k], tensors[k]) for k in tensors)
    shift = 1 if architecture.startswith("gemma") else 0
    given = np.concatenate([
        (v + shift * k.endswith("norm.weight")).numpy().ravel() for k, v in weights.items()
    ])  # fmt: skip
    held = np.concatenate([v.ravel().astype(np.float32) for k, v in read.items() if k != "rope_freqs.weight"])
    assert np.array_equal(np.sort(given), np.sort(held))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=MODELS, default=MODELS, metavar="NAME", help=", ".join(MODELS))
    for name in parser.parse_args().only:
        tiny(name)
        files = [*sorted((FAMILIES / name).iterdir()), FAMILIES / f"{name}.gguf"]
        print(f"{name}: " + ", ".join(f"{f.name} {f.stat().st_size}" for f in files if f.exists()))

#!/usr/bin/env python3
"""Check that Hugging Face transformers opens a model that Prism trained and computes what Prism computes.

    model.py runs/model .build/release/prism [--prompt TEXT …]
    model.py --self-check

The folder has config.json and model.safetensors in GPT-2's layout, and tokenizer.json. AutoModelForCausalLM and
AutoTokenizer read it as they read any other: each tensor must be one of the model's, and none may be missing. For each
prompt, `prism model run FOLDER --prompt TEXT --top 20 --json` is compared with them:

    tokens    the ids are equal, and decode to the prompt
    logits    of the 20 likeliest next tokens, the largest absolute difference over the largest absolute logit
    order     no other token's logit exceeds the 20th by more than the tolerance
    text      of these tokens, where it is whole characters

The folder should also have a tokenizer_config.json that says {"tokenizer_class": "PreTrainedTokenizerFast"}. Without it
transformers 5 takes a GPT-2's tokenizer for GPT-2's own: whatever tokenizer.json says, it splits text as GPT-2 does and
makes <|endoftext|> a special token.

`--self-check` writes a folder of random weights and a tokenizer, computes the outputs with NumPy and the tokenizers library
and checks those: it proves this script and pins what transformers does.

Prints a line for each prompt; the exit status is 0 if everything agrees, 1 if not.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

transformers.utils.logging.disable_progress_bar()
TOP = 20
PROMPTS = [
    "Once upon a time",
    "The old man said, “It's 12 o'clock”, and he looked at the sea.\n\nThen",
    " two  spaces,\ttabs\n\n\nand lines",
    "naïve café, 日本語, 🙂!",
    "a",
]


def load(folder):
    model, report = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    problems = {name: sorted(map(str, keys)) for name, keys in report.items() if keys}
    if problems:
        sys.exit(f"{folder}: transformers does not find what it expects: {problems}")
    return model.eval(), AutoTokenizer.from_pretrained(folder)


def prism_output(prism, folder, prompt):
    command = [prism, "model", "run", str(folder), "--prompt", prompt, "--top", str(TOP), "--json"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def compare(model, tokenizer, prompt, output, tolerance):
    """What differs, as a list of sentences, and the relative error of the logits."""
    wrong = []
    ids = tokenizer(prompt).input_ids
    if output["tokens"] != ids:
        return [f"the tokens are {output['tokens']}, transformers has {ids}"], math.nan
    text = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    if text != prompt:
        wrong.append(f"the tokens decode to {text!r}")
    with torch.no_grad():
        logits = model(torch.tensor([ids]), use_cache=False).logits[0, -1].numpy()
    top = output["top"]
    if len(top) != min(TOP, len(logits)) or len({c["id"] for c in top}) != len(top):
        wrong.append(f"there are {len(top)} candidates, or one twice")
    scale = np.abs(logits).max()
    error = max(abs(c["logit"] - logits[c["id"]]) for c in top) / scale
    if not error <= tolerance:
        wrong.append(f"the logits differ by {error:.1e}, the tolerance is {tolerance:.1e}")
    others = np.delete(logits, [c["id"] for c in top])
    if len(others) and others.max() > min(c["logit"] for c in top) + tolerance * scale:
        wrong.append("a likelier token is left out")
    for candidate in top:
        text = tokenizer.decode([candidate["id"]], clean_up_tokenization_spaces=False)
        if "\ufffd" not in text and "\ufffd" not in candidate["text"] and text != candidate["text"]:
            wrong.append(f"token {candidate['id']} is {candidate['text']!r}, transformers has {text!r}")
    return wrong, error


def check(folder, prompts, output_of, tolerance):
    model, tokenizer = load(folder)
    failed = False
    for prompt in prompts:
        output = output_of(prompt)
        wrong, error = compare(model, tokenizer, prompt, output, tolerance)
        failed |= bool(wrong)
        state = "; ".join(wrong) or f"{len(output['tokens'])} tokens agree, logits within {error:.1e}"
        print(f"{'FAILED' if wrong else 'ok'}  {prompt!r}: {state}")
    return failed


def write_random(folder, width=32, layers=2, heads=4, mlp=48, context=250):
    """A random model in the layout that Prism writes, with a tokenizer of a few merges."""
    from safetensors.numpy import save_file
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=["<|endoftext|>"],
        show_progress=False,
    )  # fmt: skip
    tokenizer.train_from_iterator(PROMPTS * 9, trainer)
    tokenizer.save(str(folder / "tokenizer.json"))
    vocabulary = tokenizer.get_vocab_size()

    config = {
        "architectures": ["GPT2LMHeadModel"], "model_type": "gpt2", "n_embd": width, "n_layer": layers,
        "n_head": heads, "n_inner": mlp, "n_positions": context, "vocab_size": vocabulary,
        "activation_function": "relu", "layer_norm_epsilon": 1e-5, "tie_word_embeddings": False,
        "bos_token_id": 0, "eos_token_id": 0,
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}) + "\n"
    )
    shapes = {"transformer.wte.weight": (vocabulary, width), "transformer.wpe.weight": (context, width)}
    for i in range(layers):
        at = f"transformer.h.{i}."
        for name, shape in {
            "ln_1": (width,), "attn.c_attn": (width, 3 * width), "attn.c_proj": (width, width), "ln_2": (width,),
            "mlp.c_fc": (width, mlp), "mlp.c_proj": (mlp, width),
        }.items():  # fmt: skip
            shapes |= {f"{at}{name}.weight": shape, f"{at}{name}.bias": shape[-1:]}
    shapes |= {"transformer.ln_f.weight": (width,), "transformer.ln_f.bias": (width,)}
    shapes["lm_head.weight"] = (vocabulary, width)
    random = np.random.default_rng(20240611)
    weights = {name: (0.3 * random.standard_normal(shape)).astype(np.float32) for name, shape in shapes.items()}
    for name in weights:
        if "ln_" in name and name.endswith("weight"):
            weights[name] += 1
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    return config, weights, tokenizer


def expected_output(config, weights, tokenizer, prompt):
    """What `prism model run` prints, in NumPy and fp64."""
    w = {name.removeprefix("transformer."): value.astype(np.float64) for name, value in weights.items()}

    def norm(x, name):
        x = x - x.mean(-1, keepdims=True)
        x = x / np.sqrt((x * x).mean(-1, keepdims=True) + config["layer_norm_epsilon"])
        return x * w[name + ".weight"] + w[name + ".bias"]

    def project(x, name):
        return x @ w[name + ".weight"] + w[name + ".bias"]

    ids = tokenizer.encode(prompt).ids
    count, heads, width = len(ids), config["n_head"], config["n_embd"]
    x = w["wte.weight"][ids] + w["wpe.weight"][:count]
    for i in range(config["n_layer"]):
        at = f"h.{i}."
        q, k, v = np.split(project(norm(x, at + "ln_1"), at + "attn.c_attn"), 3, axis=-1)
        q, k, v = (m.reshape(count, heads, width // heads).swapaxes(0, 1) for m in (q, k, v))
        scores = q @ k.swapaxes(1, 2) / math.sqrt(width // heads)
        scores = np.where(np.tri(count, dtype=bool), scores, -np.inf)
        attention = np.exp(scores - scores.max(-1, keepdims=True))
        attention /= attention.sum(-1, keepdims=True)
        x = x + project((attention @ v).swapaxes(0, 1).reshape(count, width), at + "attn.c_proj")
        x = x + project(np.maximum(project(norm(x, at + "ln_2"), at + "mlp.c_fc"), 0), at + "mlp.c_proj")
    logits = w["lm_head.weight"] @ norm(x, "ln_f")[-1]
    top = np.argsort(-logits, kind="stable")[:TOP]
    return {
        "tokens": ids,
        "top": [{"id": int(t), "text": tokenizer.decode([int(t)]), "logit": float(logits[t])} for t in top],
    }


def self_check(tolerance):
    with tempfile.TemporaryDirectory() as name:
        parts = write_random(Path(name))
        failed = check(name, PROMPTS, lambda prompt: expected_output(*parts, prompt), tolerance)
        # What is wrong must be found.
        model, tokenizer = load(name)
        right = expected_output(*parts, PROMPTS[0])
        for wrong in (
            right | {"tokens": right["tokens"][1:]},
            right | {"top": right["top"][1:]},
            right | {"top": [c | {"logit": c["logit"] * (1 + 10 * tolerance)} for c in right["top"]]},
            right | {"top": [*right["top"][1:], right["top"][0] | {"id": next(
                t for t in range(TOP + 1) if t not in [c["id"] for c in right["top"]])}]},
            right | {"top": [c | {"text": c["text"] + "."} for c in right["top"]]},
        ):  # fmt: skip
            if not compare(model, tokenizer, PROMPTS[0], wrong, tolerance)[0]:
                print(f"FAILED  this is not found to be wrong: {wrong}")
                failed = True
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", help="the model")
    parser.add_argument("prism", nargs="?", help="the prism command")
    parser.add_argument("--prompt", action="append", metavar="TEXT", help="instead of the script's own; can be repeated")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="of logits, relative (default 1e-4)")
    parser.add_argument("--self-check", action="store_true")
    options = parser.parse_args()
    if options.self_check:
        sys.exit(self_check(options.tolerance))
    if not options.prism:
        parser.error("name a model's folder and the prism command, or say --self-check")
    prompts = options.prompt or PROMPTS
    sys.exit(check(
        options.folder, prompts, lambda prompt: prism_output(options.prism, options.folder, prompt), options.tolerance
    ))  # fmt: skip


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Check Prism's activation patching against hooks in PyTorch.

    patching.py models/SmolLM2-135M-Instruct.Q4_1.gguf .build/release/prism [--pairs 16] [--seed 0]

Draws pairs of prompts about indirect objects from one template, has `prism patch` patch the residual stream and the heads of a
Llama model, and does the same again the plain way: transformers reads the same weights (from GGUF through the gguf package,
or a folder), a hook puts the clean run's activations into the corrupt run, one place at a time and all pairs together.

    task      mean and standard deviation of the logit difference, clean and corrupt; share of prompts that prefer the answer
    residual  normalised effect at the input of every third block, at every position at which runs differ
    heads     normalised effect of each head of every third block, at all positions together

A place agrees if the effects differ by less than 0.001. The exit status is 0 if all do, 1 if not.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

NAMES = "John Mary Tom James Dan Martin Amy Alice Bob Sarah Emma Anna Paul Mark David".split()
PLACES = "store garden restaurant school hospital office house station".split()
THINGS = "ring kiss bone basketball computer necklace drink".split()
TOLERANCE = 1e-3


def draw(count, seed):
    dice = random.Random(seed)
    for _ in range(count):
        a, b = dice.sample(NAMES, 2)
        giver, other = dice.choice([(a, b), (b, a)])
        place, thing = dice.choice(PLACES), dice.choice(THINGS)
        text = f"When {a} and {b} went to the {place}, {{}} gave a {thing} to"
        yield {"clean": text.format(giver), "corrupt": text.format(other), "answer": " " + other, "foil": " " + giver}


class Model:
    def __init__(self, path):
        where, options = (path.parent, {"gguf_file": path.name}) if path.is_file() else (path, {})
        self.tokenizer = AutoTokenizer.from_pretrained(where, **options)
        self.net = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, **options).eval()
        self.blocks = self.net.model.layers
        self.heads = self.net.config.num_attention_heads
        self.width = self.net.config.hidden_size // self.heads

    def ids(self, texts):
        """[texts, tokens]; texts of one template are of one length."""
        return torch.tensor([self.tokenizer(text, add_special_tokens=False).input_ids for text in texts])

    def differences(self, prompts, answers, foils, hook=None):
        """Logit of the answer minus that of the foil, [prompts]; `hook` is (module, function of its input)."""
        handle = hook and hook[0].register_forward_pre_hook(lambda _, x: (hook[1](x[0]), *x[1:]))
        with torch.no_grad():
            logits = self.net(prompts, logits_to_keep=1).logits[:, -1]
        if handle:
            handle.remove()
        return (logits.gather(1, answers) - logits.gather(1, foils))[:, 0]

    def inputs(self, prompts, modules):
        kept = {}
        handles = [
            m.register_forward_pre_hook(lambda _, x, i=i: kept.__setitem__(i, x[0].clone())) for i, m in enumerate(modules)
        ]
        with torch.no_grad():
            self.net(prompts)
        for handle in handles:
            handle.remove()
        return kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("prism")
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    texts = list(draw(options.pairs, options.seed))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pairs.jsonl"
        file.write_text("".join(json.dumps(text) + "\n" for text in texts))
        subprocess.run(
            [options.prism, "patch", options.model, "--pairs", file, "--site", "residual", "heads", "--out", f"{folder}/out"],
            check=True, stdout=subprocess.DEVNULL)
        record = json.loads((Path(folder) / "out/patching.json").read_text())

    model = Model(options.model)
    prompts = {key: model.ids(text[key] for text in texts) for key in texts[0]}
    answers, foils = prompts["answer"], prompts["foil"]
    assert answers.shape[1] == foils.shape[1] == 1 and prompts["clean"].shape == prompts["corrupt"].shape
    odds = {side: model.differences(prompts[side], answers, foils) for side in ("clean", "corrupt")}
    worst = 0.0
    for side, values in odds.items():
        own = record[side]["odds"]["value"]
        print(f"{side:8} PyTorch {values.mean():.4f} (sd {values.std():.4f}, {(values > 0).sum()} of {len(values)} prefer the answer), Prism {own:.4f}")
        worst = max(worst, abs(own - values.mean().item()))
    gap = (odds["clean"] - odds["corrupt"]).mean()

    layers = range(0, len(model.blocks), 3)
    residual = [model.blocks[layer] for layer in layers]
    outputs = [model.blocks[layer].self_attn.o_proj for layer in layers]
    clean = model.inputs(prompts["clean"], residual + outputs)
    maps = {found["site"]: found for found in record["maps"]}

    def effect(module, number, where):
        def put(x):
            x = x.clone()
            x[(slice(None), *where)] = clean[number][(slice(None), *where)]
            return x

        patched = model.differences(prompts["corrupt"], answers, foils, (module, put))
        return ((patched - odds["corrupt"]).mean() / gap).item()

    passes, begin = 0, time.perf_counter()
    for site in ("residual", "heads"):
        found, largest = maps[site], 0.0
        for number, layer in enumerate(layers):
            row = found["effects"][found["layers"].index(layer)]
            for column, cell in zip(found["columns"], row):
                if site == "residual":
                    position = prompts["clean"].shape[1] - 1 if column == "end" else int(column)
                    value = effect(residual[number], number, (position,))
                else:
                    head = int(column)
                    columns = slice(head * model.width, (head + 1) * model.width)
                    value = effect(outputs[number], number + len(residual), (slice(None), columns))
                largest = max(largest, abs(value - cell["value"]))
                passes += 1
        places = len(layers) * len(found["columns"])
        print(f"{site:8} {places} places, largest difference of effects {largest:.1e}")
        worst = max(worst, largest)
    pace = (time.perf_counter() - begin) / passes
    print(f"PyTorch took {pace:.3f} s a place, all pairs of {prompts['clean'].shape[1]} tokens in one pass")
    sys.exit(worst >= TOLERANCE)


if __name__ == "__main__":
    main()

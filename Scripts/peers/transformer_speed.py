#!/usr/bin/env python3
"""Tokens per second of training a small language model in PyTorch, to set beside `prism model train` on the same cores.

    transformer_speed.py                        the default shape, each way of writing the step, as JSON lines
    transformer_speed.py --width 256 --layers 2 --ways eager compiled

The model is a GPT-2: learned positions, LayerNorm, biases, a ReLU MLP, untied embeddings, no dropout, fp32. One step trains
on a batch of random contexts: the mean cross-entropy of every next token, its gradient, AdamW. The ways:

    eager             torch.nn modules, scaled_dot_product_attention, fused AdamW
    compiled          the same, model and loss through torch.compile
    pieces            as eager, the gradient summed over a few contexts at a time, whose logits stay nearer to the cores
    compiled-pieces   the same, model and loss through torch.compile
    hf                Hugging Face's GPT2LMHeadModel with its sdpa attention, the same loss and optimiser

The ways take turns. Of each the best of the rounds counts, and the best of the ways is the peer. The load average is
printed with them: on a machine that others use too, the figures are lower bounds.
"""

import argparse
import json
import math
import os
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn


class Block(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.heads = shape.heads
        self.ln_1 = nn.LayerNorm(shape.width)
        self.qkv = nn.Linear(shape.width, 3 * shape.width)
        self.out = nn.Linear(shape.width, shape.width)
        self.ln_2 = nn.LayerNorm(shape.width)
        self.up = nn.Linear(shape.width, shape.mlp)
        self.down = nn.Linear(shape.mlp, shape.width)

    def forward(self, x):
        batch, count, width = x.shape
        qkv = self.qkv(self.ln_1(x)).view(batch, count, 3, self.heads, width // self.heads)
        q, k, v = qkv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(mixed.transpose(1, 2).reshape(batch, count, width))
        return x + self.down(F.relu(self.up(self.ln_2(x))))


class Model(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.embed = nn.Embedding(shape.vocabulary, shape.width)
        self.positions = nn.Embedding(shape.context, shape.width)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = nn.LayerNorm(shape.width)
        self.unembed = nn.Linear(shape.width, shape.vocabulary, bias=False)
        for weight in self.parameters():
            if weight.ndim == 2:
                nn.init.normal_(weight, std=0.02)

    def forward(self, tokens):
        x = self.embed(tokens) + self.positions.weight[: tokens.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.unembed(self.norm(x))


def hf_model(shape):
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        n_embd=shape.width, n_layer=shape.layers, n_head=shape.heads, n_inner=shape.mlp, n_positions=shape.context,
        vocab_size=shape.vocabulary, activation_function="relu", tie_word_embeddings=False, resid_pdrop=0.0,
        embd_pdrop=0.0, attn_pdrop=0.0, use_cache=False, bos_token_id=0, eos_token_id=0, attn_implementation="sdpa",
    )  # fmt: skip
    model = GPT2LMHeadModel(config).float().train()
    return model, lambda tokens: model(tokens).logits


def training_step(way, shape):
    """A function that trains on one batch of [batch, context + 1] tokens, and the number of weights."""
    if way == "hf":
        model, predict = hf_model(shape)
    else:
        model = predict = Model(shape)
    try:
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3, fused=True)
    except RuntimeError:
        optimiser = torch.optim.AdamW(model.parameters(), lr=1e-3)

    def loss_of(batch):
        return F.cross_entropy(predict(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten())

    if "compiled" in way:
        loss_of = torch.compile(loss_of)
    piece = shape.piece if "pieces" in way else shape.batch

    def step(batch):
        optimiser.zero_grad(set_to_none=True)
        total = 0
        for part in batch.split(piece):
            loss = loss_of(part) * (len(part) / len(batch))
            loss.backward()
            total += loss.detach()
        optimiser.step()
        return total

    return step, sum(weight.numel() for weight in model.parameters())


def checked_step(way, shape, batches):
    """The step after three of them, by which time whatever is compiled is compiled."""
    torch.manual_seed(0)
    step, weights = training_step(way, shape)
    for batch in batches[:3]:
        loss = step(batch).item()
    # Nothing can be predicted of random tokens: the loss is nearly the entropy of the vocabulary.
    assert abs(loss - math.log(shape.vocabulary)) < 0.5, loss
    return step, weights


def rate(step, batches, seconds):
    """Steps per second."""
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        step(batches[count % len(batches)])
        count += 1
    return count / (time.perf_counter() - start)


def main():
    parser = argparse.ArgumentParser(description="Tokens per second of training a small language model in PyTorch.")
    ways = ["eager", "compiled", "pieces", "compiled-pieces", "hf"]
    parser.add_argument("--ways", nargs="+", choices=ways, default=ways)
    for name, value in dict(layers=1, width=128, mlp=512, heads=4, context=250, vocabulary=4096, batch=64).items():
        parser.add_argument(f"--{name}", type=int, default=value, help=f"default {value}")
    parser.add_argument("--piece", type=int, default=4, help="contexts of a piece (default 4)")
    parser.add_argument("--seconds", type=float, default=4, help="length of a timed run (default 4)")
    parser.add_argument("--rounds", type=int, default=5, help="timed runs, of which the best counts (default 5)")
    parser.add_argument("--threads", type=int, default=2, help="default 2")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(1)
    batches = torch.randint(0, options.vocabulary, (8, options.batch, options.context + 1))
    steps, rates = {}, {}
    for way in options.ways:
        try:
            steps[way], weights = checked_step(way, options, batches)
        except Exception as error:
            print(f"transformer_speed: {way} does not run here: {str(error).splitlines()[0]}", file=sys.stderr)
    loads = [os.getloadavg()[0]]
    for _ in range(options.rounds):
        for way, step in steps.items():
            rates.setdefault(way, []).append(rate(step, batches, options.seconds))
        loads.append(os.getloadavg()[0])
    shape = {k: getattr(options, k) for k in ("layers", "width", "mlp", "heads", "context", "vocabulary", "batch")}
    tokens = options.batch * options.context
    for way, found in rates.items():
        print(json.dumps({
            "way": way, "tokens_per_second": round(max(found) * tokens), "seconds_per_step": round(1 / max(found), 4),
            "slowest_round": round(min(found) * tokens),
        }))
    if rates:
        best = max(rates, key=lambda way: max(rates[way]))
        print(json.dumps({
            "best": best, "tokens_per_second": round(max(rates[best]) * tokens), **shape, "weights": weights,
            "torch": torch.__version__, "threads": options.threads,
            "load_average": [round(min(loads), 1), round(max(loads), 1)],
        }))


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
"""Training steps per second of toy models in PyTorch, to set beside `prism bench lab` on the same cores.

    toy_speed.py                      the three cases of the benchmark, each way of writing the step, as JSON lines
    toy_speed.py --seconds 10 --ways bmm

One step trains every instance once: draw a batch of 1,024 samples for each, x' = ReLU(Wᵀ W x + b), the mean squared
error, its gradient, Adam. Densities of the instances run from 1 to 1/20. The ways:

    einsum      as the notebook of Elhage et al. (2022) writes it, plain Adam
    bmm         instances first, batched products (`baddbmm`), fused Adam
    compiled    the same, forward, backward and drawing through torch.compile
    split       bmm in as many processes as there are threads, each with its share of the instances and one thread

The best of the ways is the peer. Run it on an otherwise idle machine.
"""

import argparse
import json
import multiprocessing
import statistics
import sys
import time

import torch

CASES = [(20, 5, 8), (400, 30, 8), (400, 30, 24)]
BATCH = 1024


def einsum_step(features, hidden, instances):
    weights = torch.nn.Parameter(torch.empty(instances, features, hidden))
    torch.nn.init.xavier_normal_(weights)
    bias = torch.nn.Parameter(torch.zeros(instances, features))
    optimiser = torch.optim.Adam([weights, bias], lr=1e-3)
    density = 20 ** -torch.linspace(0, 1, instances)[:, None]

    def step():
        optimiser.zero_grad(set_to_none=True)
        values = torch.rand(BATCH, instances, features)
        x = torch.where(torch.rand(BATCH, instances, features) <= density, values, torch.zeros(()))
        h = torch.einsum("...if,ifh->...ih", x, weights)
        out = torch.relu(torch.einsum("...ih,ifh->...if", h, weights) + bias)
        ((x - out) ** 2).mean(dim=(0, 2)).sum().backward()
        optimiser.step()

    return step


def bmm_step(features, hidden, instances, compiles=False):
    weights = torch.nn.Parameter(torch.empty(instances, features, hidden))
    torch.nn.init.xavier_normal_(weights)
    bias = torch.nn.Parameter(torch.zeros(instances, 1, features))
    optimiser = torch.optim.Adam([weights, bias], lr=1e-3, fused=True)
    density = 20 ** -torch.linspace(0, 1, instances)[:, None, None]

    def loss():
        # One random number decides whether a feature is active and, scaled, what its value is.
        draw = torch.rand(instances, BATCH, features)
        x = torch.where(draw < density, draw / density, 0.0)
        out = torch.relu(torch.baddbmm(bias, torch.bmm(x, weights), weights.transpose(1, 2)))
        return ((x - out) ** 2).sum() / (BATCH * features)

    if compiles:
        loss = torch.compile(loss)

    def step():
        optimiser.zero_grad(set_to_none=True)
        loss().backward()
        optimiser.step()

    return step


WAYS = {"einsum": einsum_step, "bmm": bmm_step, "compiled": lambda *shape: bmm_step(*shape, compiles=True)}


def rate(way, shape, seconds, rounds, threads):
    """Steps per second, the median of the rounds."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    step = WAYS[way](*shape)
    for _ in range(5):
        step()
    rates = []
    for _ in range(rounds):
        start, count = time.perf_counter(), 0
        while time.perf_counter() - start < seconds:
            step()
            count += 1
        rates.append(count / (time.perf_counter() - start))
    return statistics.median(rates)


def split_rate(shape, seconds, rounds, threads):
    features, hidden, instances = shape
    with multiprocessing.get_context("spawn").Pool(threads) as pool:
        share = ("bmm", (features, hidden, instances // threads), seconds, rounds, 1)
        return min(pool.starmap(rate, [share] * threads))


def main():
    parser = argparse.ArgumentParser(description="Training steps per second of toy models in PyTorch.")
    parser.add_argument("--ways", nargs="+", choices=[*WAYS, "split"], default=[*WAYS, "split"])
    parser.add_argument("--seconds", type=float, default=3, help="length of a timed run (default 3)")
    parser.add_argument("--rounds", type=int, default=3, help="timed runs, of which the median counts (default 3)")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="default: PyTorch's own choice")
    options = parser.parse_args()
    for shape in CASES:
        case = "{}_to_{}_of_{}".format(*shape)
        found = {}
        for way in options.ways:
            arguments = (shape, options.seconds, options.rounds, options.threads)
            try:
                found[way] = split_rate(*arguments) if way == "split" else rate(way, *arguments)
            except Exception as error:
                print(f"toy_speed: {way} does not run here: {str(error).splitlines()[0]}", file=sys.stderr)
                continue
            print(json.dumps({
                "case": case, "way": way, "torch": torch.__version__, "threads": options.threads,
                "steps_per_second": round(found[way], 1),
            }), flush=True)
        if found:
            print(json.dumps({"case": case, "best": round(max(found.values()), 1)}), flush=True)


if __name__ == "__main__":
    main()

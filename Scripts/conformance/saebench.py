#!/usr/bin/env python3
"""Compare what Prism says of a dictionary by sparse probing, TPP, SCR and absorption with what SAEBench's code says.

    saebench.py --make vectors
    saebench.py vectors run/dictionary probes/probes.json pairs/probes.json --seeds 5

- vectors     folder: x.npy [n, d], one vector per example; labels.npy [n], their classes, from 0 on; pairs.npy [n, 2],
              two binary labels, for SCR. Every fifth row, from the first on, is held out to test
- dictionary  folder with cfg.json and sae_weights.safetensors
- probes.json what `prism probe` wrote of the labels, and of the pairs; without them SAEBench's figures are printed alone

SAEBench's functions get the vectors where they would run a model, as texts of one token, and their own defaults for all
but the numbers of latents and, in absorption, the epochs of the L1 probe, which Prism solves to its optimum. Probes, samples
of negatives and the order of rows depend on a seed: a figure is the mean over seeds, with their standard deviation. Prism's
agrees within three of these, or within 0.02; in absorption within what SAEBench's own figures spread by.

Two of the four are bound to SAEBench's data. SCR has fixed names: the first label stands for professor or nurse, the
second for male or female; it has no figure for a seed in which the probe of both knows the two equally well. Absorption
is of first letters: a class is a letter, and a row's number the word.

`--make` writes vectors for all four: eight classes, four of them with children that may absorb them, among other sparse
features and two labels of unequal strength.

The exit status is 0 if everything agrees, 1 if not.
"""

import argparse
import contextlib
import io
import json
import os
import random
import string
import sys
import warnings
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ["JAXTYPING_DISABLE"] = "1"  # SAEBench calls two sizes by one name, and newer beartypes notice
warnings.simplefilter("ignore")

import numpy as np
import pandas as pd
import sae_lens
import torch
from sae_bench.evals.absorption import feature_absorption, k_sparse_probing, probing
from sae_bench.evals.absorption import main as absorption_main
from sae_bench.evals.absorption.eval_config import AbsorptionEvalConfig
from sae_bench.evals.scr_and_tpp import main as scr_and_tpp
from sae_bench.evals.scr_and_tpp.dataset_creation import get_spurious_corr_data
from sae_bench.evals.scr_and_tpp.eval_config import ScrAndTppEvalConfig
from sae_bench.evals.sparse_probing import main as sparse_probing_main
from sae_bench.evals.sparse_probing.eval_config import SparseProbingEvalConfig
from sae_bench.sae_bench_utils import dataset_info

EPOCHS = 1000  # of the probe that ranks latents for absorption: SAEBench's 50 leave its order far from the optimum's
# The spread of SAEBench's figures over five seeds at those 50 epochs, decoder rows as they were; solved, its probes have none.
SPREAD = {"absorption fraction": 0.068, "full absorption": 0.061}
PROBED = [1, 2, 5, 10, 20]
ABLATED = [2, 5, 10, 20, 50]
DATASET = "LabHC/bias_in_bios_class_set1"  # a name that SAEBench knows; nothing of the dataset is used
COLUMNS = ("professor", "nurse"), ("male", "female")


def make(folder, seed=0, n=12_000, d=64):
    generator = np.random.default_rng(seed)
    directions = generator.standard_normal((8 + 12 + 120 + 2, d))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    classes, children, others, binary = np.split(directions, [8, 20, 140])

    labels = generator.integers(8, size=n)
    pairs = generator.integers(2, size=(n, 2))
    x = np.abs(generator.normal(1.5, 0.3, (n, 1))) * classes[labels]
    parents = np.flatnonzero((labels < 4) & (generator.random(n) < 0.3))
    child = 3 * labels[parents] + generator.integers(3, size=len(parents))
    x[parents] += np.abs(generator.normal(1, 0.2, (len(parents), 1))) * children[child]
    x += ((generator.random((n, 120)) < 4 / 120) * generator.uniform(0.5, 1.5, (n, 120))) @ others
    x += (pairs * [1.3, 1]) @ binary + generator.normal(0, 0.05, (n, d))

    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "x.npy", x.astype(np.float32))
    np.save(folder / "labels.npy", labels)
    np.save(folder / "pairs.npy", pairs)


def run(module, config, sae, sets, *columns):
    """SAEBench's evaluation of one dataset, given activations by class instead of a model to make them."""
    module.get_dataset_activations = lambda *_: tuple({key: x[:, None] for key, x in part.items()} for part in sets)
    return module.run_eval_single_dataset(DATASET, config, sae, None, 0, "", "cpu", os.devnull, False, *columns)


def sparse_probing(sae, sets):
    results, _ = run(sparse_probing_main, SparseProbingEvalConfig(k_values=PROBED), sae, sets)
    return {
        f"sparse probing {name} k={k}": results[f"{key}_top_{k}_test_accuracy"]
        for name, key in (("latents", "sae"), ("x", "llm")) for k in PROBED
    }


def tpp(sae, sets):
    dataset_info.chosen_classes_per_dataset[DATASET] = list(sets[0])
    config = ScrAndTppEvalConfig(perform_scr=False, n_values=ABLATED)
    results, _ = scr_and_tpp.create_tpp_plotting_dict(*run(scr_and_tpp, config, sae, sets))
    return {
        f"{name} n={n}": results[f"tpp_threshold_{n}_{key}"]
        for name, key in (("tpp", "total_metric"), ("tpp intended", "intended_diff_only"),
                          ("tpp unintended", "unintended_diff_only")) for n in ABLATED
    }


def scr_sets(x, pairs, rows, seed):
    """Activations by SAEBench's six keys, from as many rows of every pair of labels as there are for them."""
    name = DATASET.split("_class")[0]
    frame = pd.DataFrame({
        "hard_text": rows,
        "profession": np.where(pairs[rows, 0], *[dataset_info.profession_dict[column] for column in COLUMNS[0]]),
        "gender": np.where(pairs[rows, 1], *[dataset_info.gender_dict[column] for column in COLUMNS[1]]),
    })
    neither, second, first, both = np.bincount(pairs[rows] @ [2, 1], minlength=4).tolist()
    count = min(first, second, (both - 1) // 2, (neither - 1) // 2)
    return {key: x[chosen] for key, chosen in get_spurious_corr_data(frame, *COLUMNS, name, count, seed).items()}


def scr(sae, sets):
    config = ScrAndTppEvalConfig(perform_scr=True, n_values=ABLATED)
    results = scr_and_tpp.get_scr_plotting_dict(*run(scr_and_tpp, config, sae, sets, COLUMNS[0]))
    return {f"scr n={n}": results.get(f"scr_metric_threshold_{n}", np.nan) for n in ABLATED}


class Vectors:
    """What the absorption calculator asks of a model, for prompts that are the numbers of rows."""

    tokenizer = ()

    def __init__(self, x):
        self.x = x

    def to_tokens(self, prompt):
        return [[prompt]]

    def run_with_cache(self, prompts, names_filter):
        return None, {names_filter[0]: self.x[[int(prompt) for prompt in prompts]][:, None]}


def absorption(sae, x, labels, train, test):
    torch.set_grad_enabled(True)
    count = int(labels.max()) + 1
    k_sparse_probing.LETTERS = feature_absorption.LETTERS = string.ascii_lowercase[:count]
    config = AbsorptionEvalConfig()
    words = {name: [(str(row), int(labels[row])) for row in rows] for name, rows in (("train", train), ("test", test))}

    probe, _ = probing.train_linear_probe_for_task(
        pd.DataFrame({"answer_class": labels[train]}), pd.DataFrame({"answer_class": labels[test]}),
        torch.device("cpu"), x[train].numpy(), x[test].numpy(), num_classes=count,
        batch_size=64)  # what train_and_save_probes, its only caller, gives
    sparse = k_sparse_probing.train_k_sparse_probes(
        sae, words["train"], x[train], range(1, config.max_k_value + 1), config.k_sparse_probe_l1_decay,
        config.k_sparse_probe_batch_size, EPOCHS, precalc_sae_acts=True)
    scores = k_sparse_probing.eval_probe_and_sae_k_sparse_raw_scores(
        sae, probe, sparse, words["test"], x[test], config.eval_k_sparse_probe_batch_size)
    metrics = k_sparse_probing.build_metrics_df(
        scores, k_sparse_probing.sae_k_sparse_metadata(sae, probe, sparse, "", 0), config.max_k_value)
    k_sparse_probing.add_feature_splits_to_metrics_df(metrics, config.max_k_value, config.f1_jump_threshold)

    feature_absorption.load_experiment_df = lambda *_: scores
    calculator = feature_absorption.FeatureAbsorptionCalculator(
        Vectors(x), icl_word_list=[], base_template="{word}", answer_formatter=str, example_separator="",
        word_token_pos=-1)
    found = absorption_main._aggregate_results_df(feature_absorption.calculate_projection_and_cos_sims(
        calculator, sae, probe, 0,
        feature_absorption.get_stats_and_likely_false_negative_tokens(metrics, "", 0, Path())))
    found = found[found["letter"].isin(metrics["letter"][metrics["f1_probe"] > config.min_GT_probe_f1])]
    return {
        "absorption fraction": found["mean_absorption_fraction"].mean(),
        "full absorption": found["full_absorption_rate"].mean(),
        "split latents": found["num_split_feats"].mean(),
    }


def measure(folder, sae, seed):
    x, labels = torch.from_numpy(np.load(folder / "x.npy")), np.load(folder / "labels.npy")
    tested = np.arange(len(x)) % 5 == 0
    order = np.random.default_rng(seed)  # SCR takes the first rows of each kind: others for every seed
    train, test = (order.permutation(np.flatnonzero(rows)) for rows in (~tested, tested))
    sets = [{str(c): x[rows[labels[rows] == c]] for c in range(labels.max() + 1)} for rows in (train, test)]
    torch.manual_seed(seed)
    random.seed(seed)
    found = sparse_probing(sae, sets) | tpp(sae, sets)
    if (folder / "pairs.npy").exists():
        pairs = np.load(folder / "pairs.npy")
        found |= scr(sae, [scr_sets(x, pairs, rows, seed) for rows in (train, test)])
    return found | absorption(sae, x, labels, train, test)


def prism_figures(labels, pairs):
    labels, pairs = (json.loads(path.read_text()) for path in (labels, pairs))
    names = {"latents": "latents", "neurons": "x"}
    found = {
        f"sparse probing {names[result['units']]} k={result['k']}": result["accuracy"]["value"]
        for result in labels["probing"][0]["results"]
        if result["units"] in names and result["ranking"] == "meanDifference"
    }
    trials = next(part["trials"] for part in labels["perturbation"] if part["units"] == "latents")
    for trial in trials:
        for name, key in ("tpp", "score"), ("tpp intended", "intended"), ("tpp unintended", "unintended"):
            found[f"{name} n={trial['n']}"] = trial[key]["value"]
    trials = next(part["trials"] for part in pairs["removal"] if part["units"] == "latents")
    found |= {f"scr n={trial['n']}": trial["score"] for trial in trials}
    absorption = next(part for part in labels["absorption"] if part["units"] == "latents")
    return found | {
        "absorption fraction": absorption["fraction"]["value"],
        "full absorption": absorption["full"]["value"],
        "split latents": absorption["mainLatents"]["value"],
    }


def main(folder, dictionary, prism, seeds):
    sae = sae_lens.SAE.load_from_disk(str(dictionary), device="cpu")
    with torch.no_grad():  # SAEBench takes decoder rows to have length one; Prism's have one length, so none is selected anew
        length = sae.W_dec.norm(dim=-1).mean()
        for weights, factor in (sae.W_enc, length), (sae.b_enc, length), (sae.W_dec, 1 / length):
            weights *= factor
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        runs = pd.DataFrame([measure(folder, sae, seed) for seed in range(seeds)])
    mean, deviation = runs.mean(), runs.std()
    ours = prism_figures(*prism) if prism else {}
    failed = False
    for name in runs:
        line = f"{name:32} SAEBench {mean[name]:7.4f} ± {deviation[name]:.4f}"
        if prism:
            value = ours.get(name, np.nan)
            agrees = abs(value - mean[name]) <= np.fmax(3 * deviation[name], SPREAD.get(name, 0.02))
            failed |= not agrees
            line += f"  Prism {value:7.4f}  {'agrees' if agrees else 'DIFFERS'}"
        print(line)
    return int(failed)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--make", metavar="FOLDER", type=Path, help="write vectors to measure on")
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("dictionary", type=Path, nargs="?")
    parser.add_argument("prism", type=Path, nargs="*")
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    if options.make:
        make(options.make)
    elif options.dictionary:
        sys.exit(main(options.folder, options.dictionary, options.prism, options.seeds))
    else:
        parser.error("give the vectors and the dictionary, or --make")

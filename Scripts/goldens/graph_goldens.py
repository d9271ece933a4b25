#!/usr/bin/env python3
"""How circuit-tracer prunes and scores small random graphs, for Tests/PrismCausalTests/Goldens/pruning.json.

    Scripts/goldens/graph_goldens.py

Needs what Scripts/conformance/requirements*.txt list. Nodes are numbered as in both programs: features, errors layer by layer,
tokens, logits; `weights` holds a row for each feature and logit, a column for each of the others.
"""

import importlib.metadata
import json
from pathlib import Path
from types import SimpleNamespace

import torch
from circuit_tracer.graph import compute_graph_scores, prune_graph

GOLDEN = Path(__file__).resolve().parents[2] / "Tests/PrismCausalTests/Goldens/pruning.json"
LAYERS, TOKENS, PER_LAYER, LOGITS, SEED = 3, 2, 4, 2, 11


def graph():
    features, errors = LAYERS * PER_LAYER, LAYERS * TOKENS
    sources = features + errors + TOKENS
    layer = [i // PER_LAYER for i in range(features)] + [i // TOKENS for i in range(errors)] + [-1] * TOKENS
    layer += [LAYERS] * LOGITS
    matrix = torch.zeros(sources + LOGITS, sources + LOGITS)
    for target in [*range(features), *range(sources, sources + LOGITS)]:
        for source in range(sources):
            if layer[source] < layer[target] and torch.rand(()) < 0.7:
                matrix[target, source] = torch.randn(())
    return SimpleNamespace(
        adjacency_matrix=matrix, input_tokens=[1] * TOKENS, logit_targets=[0] * LOGITS,
        selected_features=[0] * features, logit_probabilities=torch.tensor([0.6, 0.3]),
        cfg=SimpleNamespace(n_layers=LAYERS))


def main():
    torch.manual_seed(SEED)
    cases = []
    for node_threshold, edge_threshold in [(0.8, 0.98), (0.5, 0.8), (0.3, 0.5)]:
        made = graph()
        nodes, edges, cumulative = prune_graph(made, node_threshold, edge_threshold)
        replacement, completeness = compute_graph_scores(made)
        features, matrix = len(made.selected_features), made.adjacency_matrix
        rows = torch.cat([matrix[:features], matrix[-LOGITS:]])[:, :-LOGITS]
        cases.append({
            "nodeShare": node_threshold, "edgeShare": edge_threshold, "weights": rows.tolist(),
            "probabilities": made.logit_probabilities.tolist(), "nodes": nodes.nonzero().squeeze(1).tolist(),
            "edges": edges.nonzero().tolist(), "cumulative": cumulative[:-LOGITS].tolist(),
            "replacement": replacement, "completeness": completeness})
    made = {name: importlib.metadata.version(name) for name in ("circuit-tracer", "torch")}
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(json.dumps({
        "made": f"seed {SEED}, {made}", "layers": LAYERS, "tokens": TOKENS, "perLayer": PER_LAYER, "cases": cases}))


if __name__ == "__main__":
    main()

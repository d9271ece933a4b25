"""Dictionaries of other libraries, small ones of every kind, and how to load, save and run them.

What the goldens (Scripts/goldens/format_goldens.py) and the conformance checks (Scripts/conformance/formats.py) share.
"""

import importlib.machinery
import importlib.util
import json
import os
import sys
import types
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("WANDB_MODE", "disabled")
os.environ.setdefault("SPARSIFY_DISABLE_TRITON", "1")

import torch

# dictionary_learning and circuit-tracer import it to run models, which is not needed here.
if importlib.util.find_spec("nnsight") is None:
    stand_in = types.ModuleType("nnsight")
    stand_in.__spec__ = importlib.machinery.ModuleSpec("nnsight", None)
    stand_in.LanguageModel = stand_in.NNsight = object
    sys.modules["nnsight"] = stand_in


def saelens(d, width, k=4):
    """Every architecture that Prism reads, random; the last two are training checkpoints."""
    import sae_lens
    from sae_lens.saes import transcoder as t

    common = {"d_in": d, "d_sae": width, "dtype": "float32", "device": "cpu"}
    other = {**common, "d_out": d + 3, "apply_b_dec_to_input": False}
    square = {**other, "d_out": d}
    from sae_lens.saes.batchtopk_sae import BatchTopKTrainingSAE, BatchTopKTrainingSAEConfig
    from sae_lens.saes.matryoshka_batchtopk_sae import (
        MatryoshkaBatchTopKTrainingSAE, MatryoshkaBatchTopKTrainingSAEConfig)

    return {
        "standard": sae_lens.StandardSAE(sae_lens.StandardSAEConfig(**common)),
        "standard-layer-norm": sae_lens.StandardSAE(
            sae_lens.StandardSAEConfig(**common, normalize_activations="layer_norm")),
        "jumprelu": sae_lens.JumpReLUSAE(sae_lens.JumpReLUSAEConfig(**common)),
        "gated": sae_lens.GatedSAE(sae_lens.GatedSAEConfig(**common)),
        "transcoder": t.Transcoder(t.TranscoderConfig(**other)),
        "skip_transcoder": t.SkipTranscoder(t.SkipTranscoderConfig(**other)),
        "jumprelu_transcoder": t.JumpReLUTranscoder(t.JumpReLUTranscoderConfig(**other)),
        "jumprelu_skip_transcoder": t.JumpReLUSkipTranscoder(t.JumpReLUSkipTranscoderConfig(**square)),
        "batchtopk": BatchTopKTrainingSAE(BatchTopKTrainingSAEConfig(**common, k=k)),
        "matryoshka_batchtopk": MatryoshkaBatchTopKTrainingSAE(
            MatryoshkaBatchTopKTrainingSAEConfig(**common, k=k, matryoshka_widths=[width // 2, width])),
    }


def saelens_selecting(d, width, k=4):
    """Those that choose a number of latents: TopK with every step that Prism folds, and matching pursuit, as it is by
    default (max_iterations is the width, stopping early) and with a fixed number of steps."""
    import sae_lens
    from sae_lens.saes.matching_pursuit_sae import MatchingPursuitSAE, MatchingPursuitSAEConfig

    common = {"d_in": d, "d_sae": width, "dtype": "float32", "device": "cpu"}

    def topk(**options):
        return sae_lens.TopKSAE(sae_lens.TopKSAEConfig(**common, k=k, **options))

    def pursuit(**options):
        return MatchingPursuitSAE(MatchingPursuitSAEConfig(**common, **options))

    return {
        "topk": topk(), "topk-rescaled": topk(rescale_acts_by_decoder_norm=True),
        "topk-input": topk(apply_b_dec_to_input=False),
        "topk-both": topk(rescale_acts_by_decoder_norm=True, apply_b_dec_to_input=False),
        "matching_pursuit": pursuit(residual_threshold=0, max_iterations=k, stop_on_duplicate_support=False),
        "matching_pursuit-default": pursuit(),
        "matching_pursuit-residual": pursuit(
            residual_threshold=0.5, stop_on_duplicate_support=False, apply_b_dec_to_input=False),
    }


def saelens_outputs(sae, x):
    """Latents and reconstruction as the dictionary is used: a training checkpoint as the inference model it becomes."""
    import tempfile

    import sae_lens

    if hasattr(sae, "save_inference_model"):
        with tempfile.TemporaryDirectory() as folder:
            sae.save_inference_model(folder)
            sae = sae_lens.SAE.load_from_disk(folder, device="cpu")
    z = sae.encode(x)
    return z, sae(x)


def sparsify(d, width, k=4):
    from sparsify import SparseCoder, SparseCoderConfig

    def make(**options):
        return SparseCoder(d, SparseCoderConfig(num_latents=width, k=k, **options))

    return {
        "autoencoder": make(), "transcoder": make(transcode=True, normalize_decoder=False),
        "skip": make(transcode=True, skip_connection=True), "skip-autoencoder": make(skip_connection=True),
    }


def sparsify_outputs(coder, x):
    acts, indices, _ = coder.encode(x)
    return torch.zeros(len(x), coder.num_latents).scatter_(1, indices, acts), coder(x).sae_out


def dictionary_learning(d, width, k=4):
    from dictionary_learning.dictionary import AutoEncoder, AutoEncoderNew, GatedAutoEncoder, JumpReluAutoEncoder
    from dictionary_learning.trainers.batch_top_k import BatchTopKSAE
    from dictionary_learning.trainers.matryoshka_batch_top_k import MatryoshkaBatchTopKSAE
    from dictionary_learning.trainers.top_k import AutoEncoderTopK

    return {
        "standard": AutoEncoder(d, width), "april": AutoEncoderNew(d, width), "gated": GatedAutoEncoder(d, width),
        "topk": AutoEncoderTopK(d, width, k), "batchtopk": BatchTopKSAE(d, width, k),
        "matryoshka": MatryoshkaBatchTopKSAE(d, width, k, [width // 3, width - width // 3]),
        "jumprelu": JumpReluAutoEncoder(d, width),
    }


def write_dictionary_learning(dictionary, folder):
    """As the library's trainSAE leaves it."""
    trainer = {
        "trainer_class": "Trainer", "dict_class": type(dictionary).__name__, "activation_dim": dictionary.activation_dim,
        "dict_size": dictionary.dict_size, "layer": 3, "lm_name": "some/model", "submodule_name": "resid_post_layer_3",
    }
    if hasattr(dictionary, "k"):
        trainer["k"] = dictionary.k.item()
    (Path(folder) / "config.json").write_text(json.dumps({"trainer": trainer, "buffer": {"ctx_len": 128}}))
    torch.save(dictionary.state_dict(), Path(folder) / "ae.pt")


def load_dictionary_learning(folder):
    from dictionary_learning.dictionary import AutoEncoder
    from dictionary_learning.utils import load_dictionary

    if json.loads((Path(folder) / "config.json").read_text())["trainer"]["dict_class"] == "AutoEncoder":
        return AutoEncoder.from_pretrained(Path(folder) / "ae.pt", normalize_decoder=False)
    return load_dictionary(str(folder), "cpu")[0]


def outputs(dictionary, x):
    z = dictionary.encode(x)
    return z, dictionary.decode(z)


def circuit_tracer(d, width):
    """Not the package itself, which needs models and servers, but its modules of transcoders."""
    from circuit_tracer.transcoder.activation_functions import JumpReLU
    from circuit_tracer.transcoder.single_layer_transcoder import SingleLayerTranscoder

    def make(activation, skip):
        return SingleLayerTranscoder(
            d, width, activation, 0, skip_connection=skip, device=torch.device("cpu"), dtype=torch.float32)

    return {
        "relu": make(torch.nn.functional.relu, False), "relu-skip": make(torch.nn.functional.relu, True),
        "jumprelu": make(JumpReLU(torch.zeros(width)), False),
    }


def cross_layer(layers, d, width, seed):
    """Random cross-layer transcoders of circuit-tracer; one JumpReLU threshold is negative, which it takes literally."""
    from circuit_tracer.transcoder.cross_layer_transcoder import CrossLayerTranscoder

    torch.manual_seed(seed)
    made = {}
    for name, activation in (("relu", "relu"), ("jumprelu", "jump_relu")):
        made[name] = CrossLayerTranscoder(
            layers, width, d, activation, lazy_decoder=False, device=torch.device("cpu"), dtype=torch.float32)
        with torch.no_grad():
            for key, parameter in made[name].named_parameters():
                parameter.copy_(torch.randn_like(parameter) * (0.5 if "W_" in key else 0.3))
                if "threshold" in key:
                    parameter.abs_()
                    parameter[0, 0, 0] = -0.2
    return made


def write_cross_layer(transcoder, folder):
    """As circuit-tracer's own cache keeps it."""
    import yaml

    transcoder.to_safetensors(str(folder))
    (Path(folder) / "config.yaml").write_text(yaml.dump({
        "model_kind": "cross_layer_transcoder", "model_name": "some/model", "feature_input_hook": "hook_resid_mid",
        "feature_output_hook": "hook_mlp_out", "scan": "some/transcoder", "revision": None}))


def load_cross_layer(folder):
    """By circuit-tracer's loader of its cache, which reads config.yaml too."""
    import huggingface_hub.constants

    # circuit-tracer imports it to fetch things, which is not needed here; newer versions of the hub do not have it.
    if not hasattr(huggingface_hub.constants, "HF_HUB_ENABLE_HF_TRANSFER"):
        huggingface_hub.constants.HF_HUB_ENABLE_HF_TRANSFER = False
    from circuit_tracer.utils.caching import load_transcoders_from_cache

    return load_transcoders_from_cache(
        Path(folder).name, Path(folder).parent, device=torch.device("cpu"), dtype=torch.float32, lazy_decoder=False)[0]


def llama_scope(folder):
    """SAELens's loader of Llama Scope, given a folder on disk instead of a repository. - Returns: it and the input's scale."""
    import sae_lens
    from sae_lens.loading import pretrained_sae_loaders as loaders

    loaders.hf_hub_download = lambda repo_id, filename, subfolder="", **_: str(Path(folder) / "/".join(
        part for part in (subfolder, filename) if part).removeprefix("./").removeprefix("/"))
    cfg, state, _ = loaders.llama_scope_sae_huggingface_loader("", ".", cfg_overrides={"dtype": "float32"})
    sae = sae_lens.JumpReLUSAE(sae_lens.JumpReLUSAEConfig(
        d_in=cfg["d_in"], d_sae=cfg["d_sae"], apply_b_dec_to_input=False))
    sae.load_state_dict(state)
    json_ = json.loads((Path(folder) / "hyperparams.json").read_text())
    scale = cfg["d_in"] ** 0.5 / json_["dataset_average_activation_norm"]["in"]
    sae.fold_activation_norm_scaling_factor(scale)
    return sae, scale

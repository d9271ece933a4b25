# Prism. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help

PRISM := .build/release/prism
MODEL := models/SmolLM2-135M-Instruct.Q4_1.gguf
DEMO  := runs/demo
DEMO_FLAGS := $(MODEL) --text data/corpus --hook blocks.15.hook_resid_post --learning-rate 0.002 --out $(DEMO)
BENCH_LATENTS := 24576 6144
BENCH_FLAGS :=
FORMATTED := Sources Tests Package.swift
CONFORMANCE := .venv-conformance/bin/python
PEERS := .venv-conformance/.installed

.PHONY: help setup build demo test bench frontier architectures lab one-layer paper pressures causal format lint docs clean
.PHONY: conformance conformance-saelens conformance-truth conformance-formats conformance-events conformance-hub
.PHONY: conformance-saebench conformance-model conformance-patching
.PHONY: peer-quality peer-speed peer-lab peer-model

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-22s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## libraries, the model, the corpus, the charts' JavaScript; a second run does nothing
	@Scripts/setup.sh

build: setup ## the prism command, optimised
	swift build -c release --product prism

demo: $(DEMO)/report.html ## find the features of layer 15 of SmolLM2-135M; a finished run is kept
	@echo "demo: the report is $(DEMO)/report.html (remove $(DEMO) to run it again)"

$(DEMO)/report.html:
	$(MAKE) --no-print-directory build
	if [ -f $(DEMO)/run.json ]; then $(PRISM) discover --resume $(DEMO); else $(PRISM) discover $(DEMO_FLAGS); fi

test: setup ## every test, optimised
	swift test -c release

# One case: make bench BENCH_LATENTS=6144 BENCH_FLAGS="--rounds 3 --threads 1"
bench: build ## speed of training, encoding and harvesting, as a ratio to the hardware's floor
	@set -e; for precision in fp32 bf16; do \
	  for latents in $(BENCH_LATENTS); do \
	    echo "# training, $$latents latents, $$precision"; \
	    $(PRISM) bench train --latents $$latents --precision $$precision $(BENCH_FLAGS); \
	    echo "# encoding, $$latents latents, $$precision"; \
	    $(PRISM) bench encode --latents $$latents --precision $$precision $(BENCH_FLAGS); \
	  done; \
	  echo "# harvesting, $$precision"; \
	  $(PRISM) bench harvest $(MODEL) --precision $$precision $(BENCH_FLAGS); \
	done
	@echo "# training a small transformer"; $(PRISM) bench model $(BENCH_FLAGS)
	@echo "# toy models"; $(PRISM) bench lab $(BENCH_FLAGS)

frontier: build ## sparsity against fidelity of 24 dictionaries on two hook points, compared in one report
	$(PRISM) discover --config Scripts/frontier/sweep.yaml --out runs/frontier

ARCHITECTURES := runs/architectures
architectures: build ## every architecture on known features, three seeds each, as a table
	$(PRISM) synth Scripts/architectures/world.json --out $(ARCHITECTURES)/world
	$(PRISM) discover --config Scripts/architectures/sweep.yaml --out $(ARCHITECTURES)/run
	python3 Scripts/architectures/table.py $(ARCHITECTURES)/run

lab: build ## every published phenomenon of superposition reproduced, as a table and a report
	rm -rf runs/lab
	$(PRISM) lab reproduce --out runs/lab
	python3 Scripts/lab/table.py runs/lab/findings.json

# The weights that the package ships; not made anew by any other target.
one-layer: build ## train the model that comes with Prism anew (some 20 minutes)
	rm -rf runs/one-layer/model
	$(PRISM) model train Scripts/one-layer/model.yaml --out runs/one-layer/model
	cd runs/one-layer/model && cp config.json evaluation.json model.safetensors tokenizer.json tokenizer_config.json \
	  training.json ../../../Sources/PrismModels/one-layer/

PAPER := runs/one-layer
SPECTRUM := $(PRISM) spectrum $(PAPER)/dictionaries --ablate 0
paper: build ## Towards Monosemanticity on the model that comes with Prism, as a table (40 minutes; it trains a second model)
	rm -rf $(PAPER)
	mkdir -p $(PAPER) && cp -r Sources/PrismModels/one-layer $(PAPER)/model
	(cat Scripts/one-layer/model.yaml; echo 'weights_seed: 1') > $(PAPER)/other.yaml
	$(PRISM) model train $(PAPER)/other.yaml --out $(PAPER)/other-model
	(echo 'model: one-layer'; cat Scripts/one-layer/dictionaries.yaml) > $(PAPER)/dictionaries.yaml
	$(PRISM) discover --config $(PAPER)/dictionaries.yaml --out $(PAPER)/dictionaries
	(echo 'model: $(PAPER)/other-model'; cat Scripts/one-layer/dictionaries.yaml) > $(PAPER)/other-dictionaries.yaml
	$(PRISM) discover --config $(PAPER)/other-dictionaries.yaml --out $(PAPER)/other-dictionaries
	$(SPECTRUM) --dictionary latents-512 --compare $(PAPER)/dictionaries:latents-4096 --out $(PAPER)/narrow
	$(SPECTRUM) --dictionary latents-4096 --compare $(PAPER)/other-dictionaries:latents-4096 --out $(PAPER)/spectrum
	$(SPECTRUM) --dictionary neurons --compare $(PAPER)/other-dictionaries:neurons --out $(PAPER)/neurons
	python3 Scripts/one-layer/table.py $(PAPER) > docs/one-layer.md

pressures: build ## how pressures in training move the neurons of small language models, as a table (half an hour)
	python3 Scripts/one-layer/pressures.py $(PRISM) runs/pressures > docs/pressures.md

CAUSAL := runs/causal
STREAMS := $(CAUSAL)/streams:stream
CAUSAL_STREAMS := $(STREAMS)-9 $(STREAMS)-15 $(STREAMS)-19 $(STREAMS)-23
causal: build ## what interventions, patching, attribution and circuits say of SmolLM2 (an hour and a quarter)
	rm -rf $(CAUSAL)
	$(PRISM) discover --config Scripts/causal/streams.yaml --out $(CAUSAL)/streams
	$(PRISM) discover --config Scripts/causal/transcoders.yaml --out $(CAUSAL)/transcoders
	$(PRISM) patch $(MODEL) --task ioi --site residual attention mlp heads neurons --out $(CAUSAL)/ioi
	$(PRISM) patch $(CAUSAL_STREAMS) --task ioi --out $(CAUSAL)/ioi-latents
	$(PRISM) effects $(STREAMS)-15 --count 40
	$(PRISM) circuit selectivity $(CAUSAL)/streams:neurons-15 $(STREAMS)-15 $(STREAMS)-23 --out $(CAUSAL)/selectivity
	$(PRISM) circuit features $(CAUSAL_STREAMS) --task ioi --count 32 --out $(CAUSAL)/ioi-circuit
	$(PRISM) circuit graph $(CAUSAL)/transcoders --prompt 'The capital of France is' --out $(CAUSAL)/graphs
	$(PRISM) attribute $(MODEL) --task ioi --count 6 --units heads
	$(PRISM) attribute $(STREAMS)-15 --prompt "The capital of France is" --target " Paris" --against " London" --top 12
	$(PRISM) lens train $(MODEL) --text data/corpus --out $(CAUSAL)/lens.safetensors

format: ## rewrite the sources in the project's format
	swift format -i --recursive $(FORMATTED)

lint: ## fail on anything that `make format` would change or warn of
	swift format lint --strict --recursive $(FORMATTED)

docs: setup ## the reference from the doc comments, in .build/docs
	Scripts/docs.sh

# Other tools, to check Prism against. They need some 6.5 GB: PyTorch's wheel brings its GPU libraries along.

$(PEERS): Scripts/conformance/requirements.txt Scripts/conformance/requirements-formats.txt
	@Scripts/setup.sh libraries
	$(if $(wildcard /usr/bin/python3),/usr/bin/python3,python3) -m venv .venv-conformance
	$(CONFORMANCE) -m pip install -q --disable-pip-version-check -r $<
	$(CONFORMANCE) -m pip install -q --disable-pip-version-check --no-deps -r Scripts/conformance/requirements-formats.txt
	@touch $@

CHECKS := saelens truth formats events hub model patching saebench
conformance: $(CHECKS:%=conformance-%) ## every check against another tool

# By default a folder of random weights with outputs computed in NumPy; name a run's own files to check Prism's:
# make conformance-saelens DICTIONARY=runs/demo/dictionary VECTORS=vectors.npy LATENTS=latents.npy \
#   RECONSTRUCTION=reconstruction.npy
conformance-saelens: $(PEERS) ## SAELens opens a dictionary of Prism's and computes the same
	$(CONFORMANCE) Scripts/conformance/saelens.py \
	  $(if $(DICTIONARY),$(DICTIONARY) $(VECTORS) --latents $(LATENTS) --reconstruction $(RECONSTRUCTION),--self-check)

TRUTH := runs/conformance-truth
conformance-truth: $(PEERS) build ## SAELens finds as many of a synthetic world's features in a dictionary as Prism
	rm -rf $(TRUTH)
	$(PRISM) synth small --vectors 50000 --out $(TRUTH)/world
	$(PRISM) discover --activations $(TRUTH)/world --latents 256 --k 5 --batch 512 --learning-rate 0.003 \
	  --out $(TRUTH)/run
	$(PRISM) evaluate $(TRUTH)/run --json > $(TRUTH)/evaluation.json
	$(CONFORMANCE) Scripts/conformance/ground_truth.py $(TRUTH)/world $(TRUTH)/run/dictionary $(TRUTH)/evaluation.json

conformance-formats: $(PEERS) build ## SAELens, sparsify, dictionary_learning and circuit-tracer open what prism convert writes
	$(CONFORMANCE) Scripts/conformance/formats.py $(PRISM)
	$(CONFORMANCE) Scripts/conformance/cross_layer.py $(PRISM)

EVENTS := runs/conformance-events
conformance-events: $(PEERS) build ## TensorBoard reads a run's event files
	rm -rf $(EVENTS)
	$(PRISM) synth small --out $(EVENTS)/world
	$(PRISM) discover --activations $(EVENTS)/world --latents 256 --k 5 --batch 512 --tokens 50000 --tensorboard \
	  --out $(EVENTS)/run
	$(CONFORMANCE) Scripts/conformance/tensorboard_events.py $(EVENTS)/run

conformance-hub: $(PEERS) build ## huggingface_hub finds in its cache what prism model pull fetched, and the other way round
	$(CONFORMANCE) Scripts/conformance/hub.py $(PRISM)

SAEBENCH := runs/conformance-saebench
conformance-saebench: $(PEERS) build ## SAEBench's own code says of a dictionary what prism probe says (half an hour)
	rm -rf $(SAEBENCH)
	$(CONFORMANCE) Scripts/conformance/saebench.py --make $(SAEBENCH)/vectors
	$(PRISM) discover --activations $(SAEBENCH)/vectors/x.npy --latents 128 --k 5 --batch 512 --tokens 200000 \
	  --learning-rate 3e-3 --out $(SAEBENCH)/run
	for labels in labels pairs; do $(PRISM) probe $(SAEBENCH)/run/dictionary --activations $(SAEBENCH)/vectors/x.npy \
	  --labels $(SAEBENCH)/vectors/$$labels.npy --out $(SAEBENCH)/$$labels; done
	$(CONFORMANCE) Scripts/conformance/saebench.py $(SAEBENCH)/vectors $(SAEBENCH)/run/dictionary \
	  $(SAEBENCH)/labels/probes.json $(SAEBENCH)/pairs/probes.json

# By default a folder of random weights with outputs computed in NumPy; name a model that Prism trained to check Prism's:
# make conformance-model MODEL_FOLDER=models/mine
MODEL_FOLDER := Sources/PrismModels/one-layer
conformance-model: $(PEERS) build ## transformers opens a model that Prism trained and computes the same
	$(CONFORMANCE) Scripts/conformance/model.py $(MODEL_FOLDER) $(PRISM)

conformance-patching: $(PEERS) build ## hooks in PyTorch patch SmolLM2 to the same effects as prism patch
	$(CONFORMANCE) Scripts/conformance/patching.py $(MODEL) $(PRISM)

# make peer-quality VECTORS=vectors.npy PEER_FLAGS="--width 4096 --k 32 --steps 2000 --seeds 0 1 2"
peer-quality: $(PEERS) ## held-out error of SAELens's TopK training on given vectors
	$(CONFORMANCE) Scripts/peers/train_quality.py $(if $(VECTORS),$(VECTORS),--synthetic) $(PEER_FLAGS)

peer-speed: $(PEERS) ## vectors per second of SAELens's TopK training step
	$(CONFORMANCE) Scripts/peers/train_speed.py $(PEER_FLAGS)

peer-lab: $(PEERS) ## steps per second of toy models in PyTorch, beside prism bench lab
	$(CONFORMANCE) Scripts/peers/toy_speed.py $(PEER_FLAGS)

# make peer-model PEER_FLAGS="--layers 2 --width 256 --mlp 1024"
peer-model: $(PEERS) ## tokens per second of training a small language model in PyTorch
	$(CONFORMANCE) Scripts/peers/transformer_speed.py $(PEER_FLAGS)

clean: ## remove what was built; models, data and runs stay
	rm -rf .build

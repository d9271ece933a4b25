#!/usr/bin/env bash
# Build the reference from the doc comments with the toolchain's own DocC: one archive of all Prism modules under
# .build/docs, made of static pages (serve it with any web server, e.g. `python3 -m http.server -d .build/docs`).
set -euo pipefail
cd "$(dirname "$0")/.."

docc() {
    if [ "$(uname)" = Darwin ]; then xcrun docc "$@"
    else "$(dirname "$(readlink -f "$(command -v swift)")")/docc" "$@"; fi
}

# The tool writes every module's graph, then fails on the runner that it builds for the tests (Swift 6.3): what counts
# is that the graphs are there, from this run.
rm -rf .build/*/symbolgraph
swift package dump-symbol-graph --minimum-access-level package --skip-synthesized-members ||
    echo "docs: going on with the modules' graphs" >&2
graphs=.build/symbol-graphs
rm -rf "$graphs"
mkdir -p "$graphs"
for module in Sources/Prism*; do
    name=$(basename "$module")
    find .build/*/symbolgraph \( -name "$name.symbols.json" -o -name "$name@*.symbols.json" \) -exec cp {} "$graphs" \;
    [ -f "$graphs/$name.symbols.json" ] || { echo "docs: there is no symbol graph of $name" >&2; exit 1; }
done
docc convert --additional-symbol-graph-dir "$graphs" \
    --fallback-display-name Prism --fallback-bundle-identifier prism \
    --transform-for-static-hosting --output-path .build/docs
echo "docs: .build/docs/documentation/prismcore/index.html and the other modules beside it"

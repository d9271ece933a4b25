#!/usr/bin/env bash
# Build the reference from the doc comments with the toolchain's own DocC: one archive of all Prism modules under
# .build/docs, made of static pages (serve it with any web server, e.g. `python3 -m http.server -d .build/docs`).
set -euo pipefail
cd "$(dirname "$0")/.."

docc() {
    if [ "$(uname)" = Darwin ]; then xcrun docc "$@"
    else "$(dirname "$(readlink -f "$(command -v swift)")")/docc" "$@"; fi
}

swift package dump-symbol-graph --minimum-access-level package --skip-synthesized-members
graphs=.build/symbol-graphs
rm -rf "$graphs"
mkdir -p "$graphs"
for module in Sources/Prism*; do
    name=$(basename "$module")
    find .build/*/symbolgraph \( -name "$name.symbols.json" -o -name "$name@*.symbols.json" \) -exec cp {} "$graphs" \;
done
docc convert --additional-symbol-graph-dir "$graphs" \
    --fallback-display-name Prism --fallback-bundle-identifier prism \
    --transform-for-static-hosting --output-path .build/docs
echo "docs: .build/docs/documentation/prismcore/index.html and the other modules beside it"

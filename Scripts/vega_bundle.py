#!/usr/bin/env python3
"""Write the charts' JavaScript: Vega, Vega-Lite and vega-embed in one file that needs no network.

    python vega_bundle.py Sources/PrismAtlas/Resources/vega.js

Loaded by a plain <script>, or pasted into one, it defines one global, `vegaEmbed`: `vegaEmbed(element, specification)`
draws a Vega or Vega-Lite chart and promises its view. (The bundle's own `vega` and `vegaLite` are null: those modules
have no default export.) The file holds no "</script", so that a page can carry it inline; its first line names what is
inside.
"""

import sys
from importlib.metadata import version
from pathlib import Path

import vl_convert


def bundle():
    script = vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;")
    script = script.replace("</script", r"<\/script").replace("<!--", r"<\!--")
    title = (
        f"/* Vega {vl_convert.get_vega_version()}, Vega-Lite {vl_convert.get_vegalite_versions()[-1]}, "
        f"vega-embed {vl_convert.get_vega_embed_version()} (BSD 3-Clause), "
        f"bundled by vl-convert-python {version('vl-convert-python')} */\n")
    return f"{title}(function () {{\n{script}\n}})();\n"


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    partial.write_text(bundle(), encoding="utf-8")
    partial.replace(target)

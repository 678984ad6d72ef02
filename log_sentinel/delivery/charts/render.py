"""A Vega-Lite document on standard input becomes a PNG on standard output. Run as a module by `drawing`."""

from __future__ import annotations

import json
import sys

# for screens with two pixels where there was one
SCALE = 2
VEGA_LITE = "5.20"


def main() -> None:
    import vl_convert

    document = json.load(sys.stdin)
    sys.stdout.buffer.write(vl_convert.vegalite_to_png(document, vl_version=VEGA_LITE, scale=SCALE))


if __name__ == "__main__":
    main()

"""The service's image, with the bundles that are there, and the monitor's: built, published, their bills of materials.

    python -m scripts.image build [--pull] [--no-cache] | publish | sbom   [--deadline SECONDS] [--json]

REGISTRY names where to publish, BASE_IMAGE what to build on, BUILD_NETWORK the network of the build; pip's own settings
(PIP_INDEX_URL and so on) reach it. Exit codes: 0 done, 1 refused, 3 deadline.
"""

from __future__ import annotations

import sys

from scripts.command.options import parsed, plain_parser
from scripts.command.outcome import finish
from scripts.image import build

ACTS = {"build": build.build, "publish": build.publish, "sbom": build.write_sbom}


def main(arguments: list[str] | None = None) -> int:
    line = plain_parser("image", __doc__)
    line.add_argument("act", choices=ACTS)
    line.add_argument("--pull", action="store_true", help="look for a newer base image")
    line.add_argument("--no-cache", action="store_true", help="build each step again")
    line.add_argument("--deadline", type=float, default=1800.0, help="seconds for docker")
    options = parsed(line, arguments)
    return finish(lambda: ACTS[options.act](options), options.json)


if __name__ == "__main__":
    sys.exit(main())

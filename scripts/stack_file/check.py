"""Are the files of the stack sound? stack.yml and its overlays, HAProxy's own, and every file of settings.

    python -m scripts.stack_file.check [--json]

Renders with stand-ins for image and secrets; needs the docker command and no engine. Exit codes: 0 they are, 1 not.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import Any

import yaml

from scripts.command.options import parsed, parser
from scripts.command.outcome import finish, say
from scripts.stack_file import haproxy, settings
from scripts.stack_file.render import CONFIGS, EDGE, NO_TRAFFIC, ROOT, collect, fill, used


def check(environ: Mapping[str, str]) -> dict[str, Any]:
    """Refuses at the first that is not; says what was looked at."""
    for file in sorted((ROOT / settings.FOLDER).glob("*.env")):
        found = settings.parse(file.read_text(encoding="utf-8"), str(file.relative_to(ROOT)))
        say(f"{file.relative_to(ROOT)}: {len(found)} settings")
    for tls, http in (("on", "80"), ("on", ""), ("off", "")):
        image = f"registry.invalid/model@sha256:{'0' * 64}"
        wanted = {"EDGE_TLS": tls, "EDGE_HTTP_PORT": http}
        inputs = collect(image, NO_TRAFFIC, {**environ, **wanted})
        names = {name: name.lower() for name in used(inputs.files) if name.endswith("_SECRET")}
        rendered = fill("check", inputs, {**names, **{name: name.lower() for name in CONFIGS}})
        services = yaml.safe_load(rendered.text)["services"]
        say(f"{' and '.join(inputs.files)}: render to {', '.join(services)}")
        haproxy.check(ROOT / EDGE, services["edge"]["environment"])
    return {}


def main(arguments: list[str] | None = None) -> int:
    options = parsed(parser("check_stack", __doc__), arguments)
    return finish(lambda: check(os.environ), options.json)


if __name__ == "__main__":
    sys.exit(main())

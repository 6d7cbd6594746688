"""How far a build goes: prints one word, and on stderr why.

    python -m scripts.ci scope

release    main, or SWARMLINE_BRANCH: train, gate, image, deploy
rehearsal  another branch or a pull request: train and gate in this workspace alone
documents  only documents changed since the last build that succeeded: check, and do no more

Reads what Jenkins says of the build: BRANCH_NAME, CHANGE_ID, GIT_PREVIOUS_SUCCESSFUL_COMMIT, and the parameters
MODEL, FORCE and REASON: who asks for a training gets one, whatever changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Literal

from scripts.command.checkout import changed_since
from scripts.command.outcome import finish, say

Scope = Literal["release", "rehearsal", "documents"]
PRIMARY = "main"


def is_document(path: str) -> bool:
    return path == "LICENSE" or path.endswith(".md") or PurePosixPath(path).parts[0] == "docs"


def scope(environ: Mapping[str, str], changed: Iterable[str] | None) -> tuple[Scope, str]:
    """The word and the reason; `changed` is None where nothing is known of the build before."""
    documents = sorted(changed) if changed is not None else []
    asked = [name for name in ("MODEL", "REASON") if environ.get(name, "").strip()]
    asked += ["FORCE"] if environ.get("FORCE") == "true" else []
    if documents and all(map(is_document, documents)) and not asked:
        named = ", ".join(documents[:5]) + (" ..." if len(documents) > 5 else "")
        return (
            "documents",
            f"only documents changed ({named}): nothing is trained, nothing is deployed",
        )
    primary = environ.get("SWARMLINE_BRANCH") or PRIMARY
    branch = environ.get("BRANCH_NAME", primary)
    if environ.get("CHANGE_ID") or branch != primary:
        return "rehearsal", f"{branch} is not {primary}: the build ends after the gate"
    why = f"asked for by {', '.join(asked)}" if asked else "code or data may have changed"
    return "release", f"{why}: what changed is trained, gated and released"


def act() -> dict[str, str]:
    before = os.environ.get("GIT_PREVIOUS_SUCCESSFUL_COMMIT", "")
    word, why = scope(os.environ, changed_since(Path.cwd(), before) if before else None)
    say(f"swarmline: {why}")
    print(word)
    return {}


def main() -> int:
    return finish(act, as_json=False)

"""What a release changes against the one that serves: models by version, code by commit; from their release.json."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

#: What of the repository goes into an image.
PATHS = ("service", "requirements/serve.txt", "requirements/skops.txt")
CHAMPION = "champion"


class Changes(NamedTuple):
    """Sentences for people; `serves` is empty where nothing serves yet."""

    release: str
    serves: str
    models: list[str]
    code: list[str]


def compare(
    serves: str,
    before: Mapping[str, Any],
    release: str,
    document: Mapping[str, Any],
    commits: Sequence[str] | None,
) -> Changes:
    """`commits` of the image's code since the release that serves; None where git does not know them."""
    return Changes(
        release,
        serves,
        list(_models(before.get("models", {}), document.get("models", {}))),
        list(_code(before, document, commits)),
    )


def _models(
    before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    for model in sorted(before.keys() | after.keys()):
        old, new = before.get(model, {}), after.get(model, {})
        for arm in sorted(old.keys() | new.keys(), key=lambda arm: arm != CHAMPION):
            name = model if arm == CHAMPION else f"{model} ({arm})"
            if change := _change(old.get(arm), new.get(arm)):
                yield f"{name}: {change}"


def _change(old: Mapping[str, Any] | None, new: Mapping[str, Any] | None) -> str:
    if new is None:
        return f"version {old['version']} is served no longer" if old else ""
    if old and (old["version"], old.get("bundle")) == (new["version"], new.get("bundle")):
        return ""
    instead = f"instead of {old['version']}" if old else "is new"
    facts = [f"gates {new['gates']}"] if new.get("gates") else []
    facts += [f"trained by {new['trained_by']}"] if new.get("trained_by") else []
    facts += [f"at {new['trained_at'][:16].replace('T', ' ')}"] if new.get("trained_at") else []
    words = f"version {new['version']} {instead}"
    return f"{words} ({', '.join(facts)})" if facts else words


def _code(
    before: Mapping[str, Any], after: Mapping[str, Any], commits: Sequence[str] | None
) -> Iterator[str]:
    if not before:
        return
    if before.get("code") != after.get("code"):
        unknown = f"commit {_short(after)}, and what serves is of {_short(before)}"
        yield from [unknown] if commits is None else commits or ["changes that are in no commit"]
    if before.get("lock") != after.get("lock"):
        yield "other versions of what is installed in the image"
    if before.get("base_layers") != after.get("base_layers"):
        yield f"another base image ({after.get('base')})"


def _short(document: Mapping[str, Any]) -> str:
    return str(document.get("commit", "?"))[:10]


def in_words(changes: Mapping[str, Any]) -> str:
    """On one line, for who is asked."""
    models = "; ".join(changes["models"]) or "the models that serve"
    code = "; ".join(changes["code"]) or "the code that serves"
    instead = f" instead of {changes['serves']}" if changes["serves"] else ", the first"
    words = f"{changes['release']}{instead}: {models}"
    return f"{words}. Code: {code}" if changes["serves"] else words

"""docs/runbook.md as HTML, and the entry that a kind of alarm leads to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markupsafe import Markup, escape


class AlarmKind(NamedTuple):
    """What pages call it, and the alert that it becomes (stack/monitoring/rules.yml): that heads its entry."""

    title: str
    alert: str


ALARM_KINDS = {
    "drift": AlarmKind("Drift", "InputDrift"),
    "prediction": AlarmKind("Drift of predictions", "PredictionDrift"),
    "missing": AlarmKind("Missing values", "MissingValues"),
    "other": AlarmKind("Values of no category", "UnknownCategories"),
    "share": AlarmKind("Drift of many columns", "ManyInputsDrift"),
    "relation": AlarmKind("Relation between columns", "RelationDrift"),
    "estimate": AlarmKind("Estimate", "EstimateBelowGate"),
    "quality": AlarmKind("Quality", "QualityBelowGate"),
    "trust": AlarmKind("Relation changed", "RelationChanged"),
}


class _Renderer(RendererHTML):
    """CommonMark's own, but with a paragraph in one line, code without a class, and tables that keys can scroll."""

    def softbreak(self, *_: Any) -> str:
        return " "

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return f"<pre>{escape(tokens[idx].content)}</pre>\n"

    def table_open(self, *_: Any) -> str:
        return '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>'

    def table_close(self, *_: Any) -> str:
        return "</table></div>"


_MARKDOWN = MarkdownIt("commonmark", {"html": False}, renderer_cls=_Renderer).enable("table")


def anchor(heading: str) -> str:
    """As code hosts make them of headings (tests/test_documents.py alike)."""
    return re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")


def read(path: Path) -> Markup | None:
    """None where the file is not part of this installation."""
    if not path.is_file():
        return None
    tokens = _MARKDOWN.parse(path.read_text(encoding="utf-8"))
    for token, following in zip(tokens, tokens[1:]):
        if token.type == "heading_open":
            token.attrSet("id", anchor(following.content))
        if following.children:
            following.children = list(_without_dead_links(following.children))
    html = _MARKDOWN.renderer.render(tokens, _MARKDOWN.options, {})
    # The renderer escapes what is not markup of its own.
    return Markup(html)  # nosec B704


def alarm_kind(kind: str) -> AlarmKind:
    """One that only a monitor of another release raises has nothing but its name."""
    return ALARM_KINDS.get(kind, AlarmKind(kind, kind))


def entry(kind: str) -> str:
    """The anchor of the entry for a kind of alarm."""
    return anchor(alarm_kind(kind).alert)


def _without_dead_links(tokens: Iterable[Token]) -> Iterator[Token]:
    """Of a link to another document of the repository, which is not part of this installation, the words alone."""
    is_dead = False
    for token in tokens:
        if token.type == "link_open":
            is_dead = not str(token.attrGet("href")).startswith(("#", "https://"))
        if not (is_dead and token.type in ("link_open", "link_close")):
            yield token

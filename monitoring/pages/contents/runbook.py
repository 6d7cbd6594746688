"""docs/runbook.md as HTML, by the Markdown that it uses; and the entry that a kind of alarm leads to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from markupsafe import Markup, escape

#: The alert that each kind of alarm becomes (stack/monitoring/rules.yml), by whose name its entry is headed.
ALERTS = {
    "drift": "InputDrift",
    "prediction": "PredictionDrift",
    "missing": "MissingValues",
    "other": "UnknownCategories",
    "share": "ManyInputsDrift",
    "relation": "RelationDrift",
    "estimate": "EstimateBelowGate",
    "quality": "QualityBelowGate",
    "slice": "QualityBelowGate",
    "trust": "RelationChanged",
}
_INLINE = re.compile(r"`([^`]+)`|\*\*(.+?)\*\*|\[([^\]]+)\]\(([^)\s]+)\)")


def anchor(heading: str) -> str:
    """As code hosts make them of headings (tests/test_documents.py alike)."""
    return re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-")


def read(path: Path) -> Markup | None:
    """None where the file is not part of this installation."""
    if not path.is_file():
        return None
    # The file is ours; what is not markup of these functions is escaped all the same.
    return Markup("\n").join(_blocks(path.read_text(encoding="utf-8")))


def entry(kind: str) -> str:
    """The anchor of the entry for a kind of alarm; empty where it has none."""
    return anchor(ALERTS.get(kind, ""))


def _blocks(text: str) -> Iterator[Markup]:
    for part in re.split(r"(^```[^\n]*\n.*?^```$)", text, flags=re.M | re.S):
        if part.startswith("```"):
            yield Markup("<pre>{}</pre>").format(part.partition("\n")[2].removesuffix("```"))
        else:
            for block in re.split(r"\n\s*\n|(?=^#+ )", part, flags=re.M):
                yield from _block(block.strip("\n"))


def _block(block: str) -> Iterator[Markup]:
    lines = block.splitlines()
    if not lines:
        return
    heading = re.fullmatch(r"(#+) +(.+)", lines[0])
    if heading:
        level, title = min(len(heading[1]), 6), heading[2]
        yield Markup('<h{0} id="{1}">{2}</h{0}>').format(level, anchor(title), _inline(title))
        yield from _block("\n".join(lines[1:]))
    elif lines[0].startswith("|"):
        yield _table(lines)
    elif re.match(r"[-*] |\d+\. ", lines[0]):
        yield _list(lines)
    else:
        yield Markup("<p>{}</p>").format(_inline(" ".join(lines)))


def _list(lines: list[str]) -> Markup:
    items: list[str] = []
    for line in lines:
        begins = re.match(r"(?:[-*]|\d+\.) +(.*)", line)
        if begins:
            items.append(begins[1])
        else:
            items[-1] += f" {line.strip()}"
    tag = "ol" if lines[0][0].isdigit() else "ul"
    entries = Markup("").join(Markup("<li>{}</li>").format(_inline(item)) for item in items)
    return Markup("<{0}>{1}</{0}>").format(tag, entries)


def _table(lines: list[str]) -> Markup:
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    head, body = rows[0], [row for row in rows[1:] if not set("".join(row)) <= set("-: ")]

    def cells(row: list[str], tag: str) -> Markup:
        return Markup("").join(Markup("<{0}>{1}</{0}>").format(tag, _inline(cell)) for cell in row)

    lines_of_body = Markup("").join(Markup("<tr>{}</tr>").format(cells(row, "td")) for row in body)
    return Markup(
        '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table><thead><tr>{}</tr></thead>'
        "<tbody>{}</tbody></table></div>"
    ).format(cells(head, "th"), lines_of_body)


def _inline(text: str) -> Markup:
    parts, end = [], 0
    for match in _INLINE.finditer(text):
        parts += [escape(text[end : match.start()]), _span(match)]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])


def _span(match: re.Match[str]) -> Markup:
    code, strong, words, target = match.groups()
    if code:
        return Markup("<code>{}</code>").format(code)
    if strong:
        return Markup("<strong>{}</strong>").format(_inline(strong))
    if target.startswith(("#", "https://")):
        return Markup('<a href="{}">{}</a>').format(target, words)
    # Another document of the repository: not part of this installation.
    return escape(words)

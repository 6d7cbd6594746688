"""The look of every plot, and how a plot becomes part of a page. Without pyplot, which would keep them."""

from __future__ import annotations

import contextlib
import io
import re
import warnings
from collections.abc import Iterator
from typing import Literal

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from training.card import fonts

#: In a page this becomes the page's own text colour, so that plots follow a dark theme.
INK = "#1b2533"
GRID = "#8d99a6"
BLUE = "#2f7ed8"
ORANGE = "#e07b28"
GREEN = "#2a9d6f"
PURPLE = "#8e62c7"
RED = "#d1495b"
GREY = "#7f8c9a"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, RED, "#c2a11d", "#4fb3bf", GREY)
DPI = 110
SMALL = 9


def empty(width: float = 5.0, height: float = 3.6) -> Figure:
    """An empty figure with a canvas of its own: the process's backend stays as it is."""
    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def single(
    title: str, x: str, y: str, width: float = 5.0, height: float = 3.6
) -> tuple[Figure, Axes]:
    """A figure with one pair of axes, and these."""
    figure = empty(width, height)
    return figure, decorate(figure.add_subplot(), title, x, y)


def decorate(axes: Axes, title: str, x: str, y: str) -> Axes:
    """Quiet frame, grid behind the data, words in one size."""
    axes.set_title(title, loc="left", fontsize=SMALL + 1.5, fontweight="bold", color=INK)
    axes.set_xlabel(x, fontsize=SMALL, color=INK)
    axes.set_ylabel(y, fontsize=SMALL, color=INK)
    axes.tick_params(labelsize=SMALL, colors=INK, length=3)
    axes.patch.set_visible(False)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GRID)
    axes.set_axisbelow(True)
    axes.grid(color=GRID, alpha=0.25, linewidth=0.7)
    return axes


def legend(axes: Axes, where: Literal["best", "upper left"] = "best") -> None:
    shown = axes.legend(fontsize=SMALL - 0.5, frameon=False, loc=where, labelcolor=INK)
    shown.set_zorder(5)


def short_name(text: str, most: int = 28) -> str:
    """A name from a spec or from data, on one line and no longer than a plot has room for."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    # A legend leaves out what begins with an underscore.
    line = f" {line}" if line.startswith("_") else line
    return line if len(line) <= most else line[: most - 1] + "…"


def literal(figure: Figure) -> Figure:
    """Words from specs and data stay as they are: a dollar in them opens no formula, and any script is shown."""
    texts = figure.findobj(Text)
    families = fonts.families("".join(words.get_text() for words in texts))
    for words in texts:
        words.set_parse_math(False)
        words.set_fontfamily(families)
    return figure


@contextlib.contextmanager
def rendering(name: str = "") -> Iterator[None]:
    """Settings that only the rendering reads. What no font shows was said once, in `fonts`."""
    with (
        matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def svg(figure: Figure, name: str, label: str) -> str:
    """The figure as an element for a page; its text takes the page's colour."""
    out = io.StringIO()
    with rendering(name):
        figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    body = text[text.index("<svg") :].replace(INK, "currentColor")
    # The style would hold for the whole page; on the element itself it is inherited inside.
    body = re.sub(r"<(metadata|style)\b.*?</\1>", "", body, flags=re.DOTALL)
    # Plots share a page. Ids that are referred to have the plot's name hashed into them; the others may clash, and go.
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", body))
    body = re.sub(r' id="([^"]+)"', lambda match: match[0] if match[1] in used else "", body)
    # Sizes in the page come from its style sheet; the view box keeps the shape.
    return re.sub(
        r'<svg [^>]*?viewBox="([^"]+)"[^>]*>',
        rf'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        rf'style="stroke-linejoin: round; stroke-linecap: butt" '
        rf'viewBox="\1" role="img" aria-label="{label}">',
        body,
        count=1,
    )

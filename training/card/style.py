"""How every plot looks, and how it gets into a page. Without pyplot, which would keep them."""

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


def figure(width: float = 5.0, height: float = 3.6) -> Figure:
    """An empty figure with a canvas of its own: the process's backend stays as it is."""
    made = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(made)
    return made


def axes(made: Figure, title: str, x: str, y: str) -> Axes:
    return decorate(made.add_subplot(), title, x, y)


def decorate(drawn: Axes, title: str, x: str, y: str) -> Axes:
    """Quiet frame, grid behind the data, words in one size."""
    drawn.set_title(title, loc="left", fontsize=SMALL + 1.5, fontweight="bold", color=INK)
    drawn.set_xlabel(x, fontsize=SMALL, color=INK)
    drawn.set_ylabel(y, fontsize=SMALL, color=INK)
    drawn.tick_params(labelsize=SMALL, colors=INK, length=3)
    drawn.patch.set_visible(False)
    drawn.spines[["top", "right"]].set_visible(False)
    drawn.spines[["left", "bottom"]].set_color(GRID)
    drawn.set_axisbelow(True)
    drawn.grid(color=GRID, alpha=0.25, linewidth=0.7)
    return drawn


def legend(drawn: Axes, where: Literal["best", "upper left"] = "best") -> None:
    made = drawn.legend(fontsize=SMALL - 0.5, frameon=False, loc=where, labelcolor=INK)
    made.set_zorder(5)


def short_name(text: str, most: int = 28) -> str:
    """A name from a spec or from data, on one line and no longer than a plot has room for."""
    line = "".join(sign if sign.isprintable() else " " for sign in text)
    # A legend leaves out what begins with an underscore.
    line = f" {line}" if line.startswith("_") else line
    return line if len(line) <= most else line[: most - 1] + "…"


def literal(made: Figure) -> Figure:
    """Words from specs and data stay as they are: a dollar in them opens no formula, and any script is shown."""
    texts = made.findobj(Text)
    found = fonts.families("".join(words.get_text() for words in texts))
    for words in texts:
        words.set_parse_math(False)
        words.set_fontfamily(found)
    return made


@contextlib.contextmanager
def rendering(name: str = "") -> Iterator[None]:
    """Settings that only the rendering reads. What no font shows was said once, in `fonts`."""
    with (
        matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}),
        warnings.catch_warnings(),
    ):
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        yield


def svg(made: Figure, name: str, label: str) -> str:
    """The figure as an element for a page; its text takes the page's colour."""
    out = io.StringIO()
    with rendering(name):
        made.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    body = text[text.index("<svg") :].replace(INK, "currentColor")
    # The style would hold for the whole page; on the element itself it is inherited inside.
    body = re.sub(r"<(metadata|style)\b.*?</\1>", "", body, flags=re.DOTALL)
    body = _own_ids(body, name)
    # Sizes in the page come from its style sheet; the view box keeps the shape.
    return re.sub(
        r'<svg [^>]*?viewBox="([^"]+)"[^>]*>',
        rf'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        rf'style="stroke-linejoin: round; stroke-linecap: butt" '
        rf'viewBox="\1" role="img" aria-label="{label}">',
        body,
        count=1,
    )


def _own_ids(body: str, name: str) -> str:
    """Plots share a page: ids get the plot's name before them, those that nothing uses go."""
    used = set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", body))

    def rename(found: re.Match[str]) -> str:
        return f' id="{name}-{found[1]}"' if found[1] in used else ""

    body = re.sub(r' id="([^"]+)"', rename, body)
    return re.sub(r"(url\(#|href=\"#)([^)\"]+)", rf"\g<1>{name}-\g<2>", body)

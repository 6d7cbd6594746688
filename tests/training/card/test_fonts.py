"""Words in any script show in plots, with the fonts that the machine has; else the package that brings one is said."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen

from tests.support import ROOT
from tests.support.plants import ResultOf, SpecOf
from training.card import fonts
from training.card.plots import draw

#: Draws a word with every warning an error, as the plots of a model are drawn, and tells the families.
DRAW = """
import sys, warnings
warnings.simplefilter("error")
from training.card import style
figure, axes = style.single(sys.argv[1], "", "")
axes.set_xticks([0, 1], [sys.argv[1]] * 2)
print(axes.title.get_fontfamily())
style.literal(figure).savefig(sys.argv[2])
print(axes.title.get_fontfamily())
"""


def write_font(path: Path, letters: str) -> None:
    """A font of squares."""
    pen = TTGlyphPen(None)
    for step, point in enumerate([(0, 0), (0, 700), (700, 700), (700, 0)]):
        (pen.lineTo if step else pen.moveTo)(point)
    pen.closePath()
    names = [".notdef", *(f"uni{ord(letter):04X}" for letter in letters)]
    font = FontBuilder(1000, isTTF=True)
    font.setupGlyphOrder(names)
    font.setupCharacterMap({ord(letter): f"uni{ord(letter):04X}" for letter in letters})
    font.setupGlyf(dict.fromkeys(names, pen.glyph()))
    font.setupHorizontalMetrics(dict.fromkeys(names, (800, 50)))
    font.setupHorizontalHeader(ascent=800, descent=-200)
    font.setupNameTable({"familyName": "Made Sans", "styleName": "Regular"})
    font.setupOS2()
    font.setupPost()
    path.parent.mkdir(parents=True)
    font.save(path)


def test_letters_that_matplotlib_lacks_come_from_a_font_of_the_machine(tmp_path: Path) -> None:
    word = "株式"
    write_font(tmp_path / "fonts" / "AA-Sans-Regular.ttf", word)
    command = [sys.executable, "-c", DRAW, f"a {word}"]
    done = subprocess.run(
        [*command, str(tmp_path / "plot.png")],
        env={**os.environ, "XDG_DATA_HOME": str(tmp_path)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == ["['sans-serif']", "['sans-serif', 'Made Sans']"]


@pytest.mark.parametrize(
    ("letter", "package"),
    [("株", "fonts-noto-cjk"), ("かカ", "fonts-noto-cjk"), ("한", "fonts-noto-cjk"), ("𓀀", "fonts-noto-core")],
)  # fmt: skip
def test_the_package_that_brings_a_font_is_said(
    letter: str, package: str, capfd: pytest.CaptureFixture[str]
) -> None:
    fonts.advise(list(letter))
    assert f"on Debian: apt-get install {package}\n" in capfd.readouterr().err


def test_a_plot_in_another_script_is_drawn_whole(spec_of: SpecOf, result_of: ResultOf) -> None:
    unit = {"unit": "公斤 $x_1$", "description": "重量"}
    plots = draw(result_of(spec_of(target=unit)))
    assert any("公斤" in plot.svg for plot in plots)

"""An image of one package has what that imports, and nothing else of the checkout."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.image import monitor
from scripts.image.imported import needed_by
from tests.support.scripts.checkout import git, write

FILES = {
    "monitor/__main__.py": "from lib.keys import Key\nimport lib.store.rows\n",
    "monitor/pages/page.html": "<p>",
    "lib/__init__.py": "",
    "lib/keys.py": "from lib import words\n",
    "lib/words.py": "",
    "lib/other.py": "",
    "lib/other.css": "",
    "lib/store/__init__.py": "",
    "lib/store/rows.py": "",
    "lib/store/sql/1.sql": "SELECT 1;",
    "lib/web/__init__.py": "",
    "lib/web/page.html": "<p>",
    "monitor/.env": "PASSWORD=1\n",
    ".gitignore": ".env\n",
}


@pytest.fixture(name="checkout")
def _checkout(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        write(tmp_path / name, text)
    git(tmp_path, "init", "--quiet")
    return tmp_path


def test_what_is_imported_comes_along_however_far_and_what_lies_beside_it(checkout: Path):
    assert needed_by(checkout, "monitor", ["lib"]) == [
        *("lib/__init__.py", "lib/keys.py", "lib/other.css"),
        *("lib/store/__init__.py", "lib/store/rows.py", "lib/store/sql/1.sql", "lib/words.py"),
        *("monitor/__main__.py", "monitor/pages/page.html"),
    ]


def test_the_monitor_has_neither_the_service_itself_nor_training_in_it():
    places = monitor.contents()
    assert {"Dockerfile", "requirements.txt", "code/service/web/keys.py"} <= places.keys()
    assert "code/service/__main__.py" not in places
    assert not any("training/fit" in place or "/tests/" in place for place in places)

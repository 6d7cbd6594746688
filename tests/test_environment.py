"""The environment: made once from the lock, and a machine that cannot make it is told why in one sentence."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT

#: All that the Makefile and the script may need of a machine, besides Python and uv.
TOOLS = ("sh", "make", "touch", "rm", "mkdir", "dirname", "awk", "cat", "chmod")
GOOD = "exit 0"
#: Notes that it was called, and makes what uv would make.
UV = 'echo "$@" >>calls; [ ! -e broken ] || exit 1; mkdir -p .venv/bin; touch .venv/bin/python'

#: `-m venv` makes a Python whose pip installs the uv above.
PYTHON_WITH_VENV = f"""
[ "$1" = -m ] || exit 0
mkdir -p .venv-uv/bin
cat >.venv-uv/bin/python <<'END'
#!/bin/sh
echo pip "$@" >>calls
printf '#!/bin/sh\\n%s\\n' '{UV}' >.venv-uv/bin/uv
chmod +x .venv-uv/bin/uv
END
chmod +x .venv-uv/bin/python
"""


@pytest.fixture(name="tree")
def _tree(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "bin").mkdir()
    for tool in TOOLS:
        (tmp_path / "bin" / tool).symlink_to(shutil.which(tool) or tool)
    return tmp_path


def put(tree: Path, name: str, script: str) -> None:
    path = tree / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def make(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Make with nothing in PATH but what the test put there."""
    environ = {"PATH": str(tree / "bin"), "HOME": str(tree)}
    return subprocess.run(
        ["make", *(arguments or ("env",))],
        cwd=tree, env=environ, text=True, capture_output=True, check=False,
        executable=shutil.which("make", path=os.environ["PATH"]),
    )  # fmt: skip


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("swarmline: ")]
    return line


def calls(tree: Path) -> list[str]:
    path = tree / "calls"
    return path.read_text(encoding="utf-8").splitlines() if path.exists() else []


def test_bare_make_needs_no_environment(tree: Path):
    done = make(tree, "help")
    assert done.returncode == 0 and "train, gate, promote" in done.stdout


def test_it_is_made_from_the_lock_by_hash(tree: Path):
    put(tree, "python3", GOOD)
    put(tree, "uv", UV)
    assert make(tree).returncode == 0
    assert "pip sync" in calls(tree)[-1] and "--require-hashes" in calls(tree)[-1]
    assert calls(tree)[-1].endswith("requirements/dev.txt")


def test_a_second_call_starts_nothing(tree: Path):
    put(tree, "python3", GOOD)
    put(tree, "uv", UV)
    make(tree)
    before = calls(tree)
    shutil.rmtree(tree / "bin")
    done = make(tree)
    assert (done.returncode, done.stderr, calls(tree)) == (0, "", before)


def test_a_new_lock_is_installed(tree: Path):
    put(tree, "python3", GOOD)
    put(tree, "uv", UV)
    make(tree)
    before = calls(tree)
    stamp = (tree / ".venv/.ready").stat().st_mtime_ns + 10**9
    os.utime(tree / "requirements/dev.txt", ns=(stamp, stamp))
    assert make(tree).returncode == 0
    assert len(calls(tree)) > len(before)


def test_an_install_that_breaks_off_is_done_again(tree: Path):
    put(tree, "python3", GOOD)
    put(tree, "uv", UV)
    (tree / "broken").touch()
    assert make(tree).returncode != 0
    assert not (tree / ".venv/.ready").exists()
    (tree / "broken").unlink()
    assert make(tree).returncode == 0
    assert (tree / ".venv/.ready").exists()


def test_without_python_it_says_what_to_install(tree: Path):
    done = make(tree)
    assert done.returncode != 0
    assert "there is no python3 here" in sentence(done) and "apt-get install" in sentence(done)


def test_an_old_python_is_named(tree: Path):
    put(tree, "python3", '[ "$1" = -V ] && { echo Python 3.9.2; exit 0; }; exit 1')
    done = make(tree)
    assert done.returncode != 0
    assert "python3 is Python 3.9.2; Python 3.11 to 3.13 is needed" in sentence(done)


def test_debian_without_venv_is_told_the_package(tree: Path):
    put(tree, "python3", 'case "$2" in *ensurepip*) exit 1;; esac')
    done = make(tree)
    assert done.returncode != 0 and "apt-get install python3-venv" in sentence(done)


def test_without_uv_pip_installs_the_locked_one(tree: Path):
    put(tree, "python3", PYTHON_WITH_VENV)
    done = make(tree)
    assert done.returncode == 0, done.stderr
    assert "--require-hashes" in calls(tree)[0] and calls(tree)[0].endswith("requirements/uv.txt")
    assert "pip sync" in calls(tree)[-1]


def test_the_range_of_pythons_is_that_of_the_project():
    script = (ROOT / "requirements/environment.sh").read_text(encoding="utf-8")
    (project,) = re.findall(r'requires-python = "(.*)"', (ROOT / "pyproject.toml").read_text())
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in script
    assert project == ">=3.11,<3.14"


@pytest.mark.parametrize(
    ("address", "used"), [("", "sqlite:///build/mlflow.db"), ("http://mlflow", "http://mlflow")]
)
def test_a_tracking_address_that_is_set_but_empty_is_as_one_not_set(address: str, used: str):
    environ = {**os.environ, "MLFLOW_TRACKING_URI": address}
    environ.pop("SWARMLINE_BUILD", None)
    command = ["make", "--silent", "--eval", "tell: ; @echo '$(MLFLOW_TRACKING_URI)'", "tell"]
    shown = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == used

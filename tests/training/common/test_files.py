"""One folder takes another's place whole, or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support import ROOT
from training.common import files

#: Replaces a folder again and again, and is killed at each step that the interpreter tells of, one later each time.
KILLED_AT_EACH_STEP = """
import os, pathlib, shutil, signal, sys
from training.common.files import recover, replace_folder

folder = pathlib.Path(sys.argv[1])

def texts(folder):
    return sorted((p.relative_to(folder).as_posix(), p.read_text()) for p in folder.rglob("*") if p.is_file())

def put(word):
    def fill(folder):
        for name in ("aliases", "a/1/model", "b/1/model"):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(word)
    return fill

def killed(step):
    left = step
    def hook(event, arguments):
        nonlocal left
        if event.partition(".")[0] in ("os", "open", "shutil", "ctypes"):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    child = os.fork()
    if child == 0:
        sys.addaudithook(hook)
        replace_folder(folder, put("new"))
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL

step, seen = 1, []
while True:
    shutil.rmtree(folder, ignore_errors=True)
    replace_folder(folder, put("old"))
    whole = {word: [(name, word) for name, _ in texts(folder)] for word in ("old", "new")}
    alive = not killed(step)
    there = texts(folder)
    assert there in whole.values(), (step, there)
    seen.append(there == whole["new"])
    if alive:
        break
    step += 1
print(step, seen.count(True), seen.count(False))
"""


def test_who_is_killed_leaves_the_old_folder_or_the_new_one(tmp_path: Path) -> None:
    command = [sys.executable, "-c", KILLED_AT_EACH_STEP, str(tmp_path / "set")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    steps, new, old = map(int, done.stdout.split())
    assert steps > 10 and new > 1 and old > 1


@pytest.fixture(name="folder")
def _folder(tmp_path: Path) -> Path:
    folder = tmp_path / "set"
    files.replace_folder(folder, lambda new: write(new, "old"))
    return folder


def write(folder: Path, word: str) -> None:
    (folder / word).write_text(word, encoding="utf-8")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_nothing_is_left_beside_it(folder: Path) -> None:
    files.replace_folder(folder, lambda new: write(new, "new"))
    assert (names(folder), names(folder.parent)) == (["new"], ["set"])


def test_what_fails_while_it_is_filled_changes_nothing(folder: Path) -> None:
    def fail(_new: Path) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        files.replace_folder(folder, fail)
    assert (names(folder), names(folder.parent)) == (["old"], ["set"])


def test_where_names_cannot_be_exchanged_it_is_put_aside_first(folder: Path) -> None:
    # The kernel refuses a flag that it does not know as a file system does one that it cannot do.
    files.replace_folder(folder, lambda new: write(new, "new"), exchange=1 << 20)
    assert (names(folder), names(folder.parent)) == (["new"], ["set"])


def test_what_was_put_aside_and_nothing_in_its_place_is_brought_back(folder: Path) -> None:
    folder.rename(folder.with_name(".set.before"))
    files.recover(folder)
    assert (names(folder), names(folder.parent)) == (["old"], ["set"])

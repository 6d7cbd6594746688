"""What refuses the start of the service, each in a sentence."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.service import bundles
from tests.support.service.server import ROOT

pytestmark = pytest.mark.slow


def refused_start(environ: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]} | environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr, done.stderr
    return done.stderr.splitlines()


def test_each_bad_setting_is_a_sentence_and_ends_the_start(environment: dict[str, str]) -> None:
    bad = {
        "THREADS": "many",
        "BIND": "nowhere",
        "LOG_SAMPLE": "2",
        "AUTH": "maybe",
        "JOURNAL_SPOOL_MB": "x",
    }
    lines = refused_start(environment | bad)
    assert [line.split()[2] for line in lines] == [
        "BIND",
        "THREADS",
        "AUTH",
        "JOURNAL_SPOOL_MB",
        "LOG_SAMPLE",
    ]


def test_a_spool_that_cannot_be_written_refuses_the_start(
    environment: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (line,) = refused_start(environment | {"JOURNAL_SPOOL": str(tmp_path / "file")})
    assert "file, where nothing can be written" in line and "JOURNAL=off" in line


def test_secrets_in_bad_settings_are_not_shown(environment: dict[str, str]) -> None:
    Path(environment["KEYS_FILE"]).write_text("me:predict:hunter2", encoding="utf-8")
    (line,) = refused_start(environment)
    assert "line 1" in line and "hunter2" not in line


def test_a_changed_bundle_refuses_the_start(environment: dict[str, str], tmp_path: Path) -> None:
    bundles.write_bundle(tmp_path / "b", bundles.YIELD, linear=True)
    golden = tmp_path / "b/yield-prediction/1/golden.json"
    golden.write_bytes(golden.read_bytes() + b" ")
    (line,) = refused_start(environment | {"BUNDLES": str(tmp_path / "b")})
    assert "golden.json is not the file that was exported" in line


def test_a_port_that_is_taken_ends_the_start(environment: dict[str, str]) -> None:
    host, _, port = environment["BIND"].rpartition(":")
    with socket.create_server((host, int(port))):
        (line,) = refused_start(environment)
    assert "BIND" in line and "in use" in line

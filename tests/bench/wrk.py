"""wrk, driven and read."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

_UNITS = {"us": 1e-3, "ms": 1.0, "s": 1e3, "m": 6e4}


class Load(NamedTuple):
    """One request, sent again and again."""

    url: str
    body: Any
    headers: dict[str, str]


class Measured(NamedTuple):
    requests_per_second: float
    p50_ms: float
    p99_ms: float
    errors: int


def drive(load: Load, connections: int, seconds: float, folder: Path) -> Measured:
    script = folder / "load.lua"
    fields = {"Content-Type": "application/json"} | load.headers
    lines = [
        f"wrk.headers[{json.dumps(name)}] = {json.dumps(value)}" for name, value in fields.items()
    ]
    # A long bracket holds any JSON as it is.
    lines += ['wrk.method = "POST"', f"wrk.body = [==[{json.dumps(load.body)}]==]"]
    script.write_text("\n".join(lines), encoding="utf-8")
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "--timeout", "30s"]
    done = subprocess.run(
        [*command, "-s", str(script), load.url], capture_output=True, text=True, check=True
    )
    return read(done.stdout)


def read(text: str) -> Measured:
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    broken = re.search(r"connect (\d+), read (\d+), write (\d+), timeout (\d+)", text)
    errors = int(bad.group(1)) if bad else 0
    errors += sum(int(count) for count in broken.groups()) if broken else 0
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    assert rate, text
    return Measured(
        float(rate.group(1)), _percentile(text, "50%"), _percentile(text, "99%"), errors
    )


def _percentile(text: str, which: str) -> float:
    value = re.search(rf"^\s+{which}\s+([\d.]+)(us|ms|s|m)\s*$", text, re.MULTILINE)
    assert value, text
    return float(value.group(1)) * _UNITS[value.group(2)]

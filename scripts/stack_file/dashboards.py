"""Grafana's dashboards: stack/monitoring/dashboards.toml, and the JSON that is made of it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.command.checkout import ROOT
from scripts.command.outcome import Refused, say

SOURCE_FILE, FOLDER = "stack/monitoring/dashboards.toml", "stack/monitoring/grafana"
#: Our words for units, and Grafana's.
UNITS = {
    "count": "short",
    "a second": "reqps",
    "seconds": "s",
    "bytes": "bytes",
    "share": "percentunit",
    "switch": "bool_yes_no",
}
#: As stack/monitoring/grafana/datasource.yml calls Prometheus.
SOURCE = {"type": "prometheus", "uid": "prometheus"}
#: Grafana's grid is 24 wide; a panel has half of it, if its kind does with no less.
WIDTH, HEIGHT = 24, 8
WIDTHS = {"stat": 6}
#: Of Grafana 10 and newer, which bring an older one up to their own.
SCHEMA = 39
#: The way to the other dashboards.
LINK = {
    "type": "dashboards",
    "tags": ["swarmline"],
    "title": "Swarmline",
    "asDropdown": False,
    "includeVars": True,
    "keepTime": True,
}
OPTIONS: dict[str, dict[str, Any]] = {
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "textMode": "auto",
        "colorMode": "none",
    },
    "table": {"showHeader": True},
    "state-timeline": {"mergeValues": True, "showValue": "auto"},
}


def dashboards() -> list[dict[str, Any]]:
    return list(tomllib.loads((ROOT / SOURCE_FILE).read_text("utf-8"))["dashboard"])


def document(dashboard: Mapping[str, Any]) -> dict[str, Any]:
    """As Grafana reads it."""
    return {
        "uid": dashboard["uid"],
        "title": dashboard["title"],
        "tags": ["swarmline"],
        "schemaVersion": SCHEMA,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "links": [LINK],
        "templating": {
            "list": [_variable(*dashboard["variable"])] if "variable" in dashboard else []
        },
        "panels": list(_placed(dashboard["panel"])),
    }


def files() -> dict[Path, str]:
    """Each file, and what it has to say."""
    return {
        ROOT / FOLDER / f"{each['uid']}.json": json.dumps(document(each), indent=1) + "\n"
        for each in dashboards()
    }


def write() -> dict[str, Any]:
    for path, content in files().items():
        path.write_text(content, encoding="utf-8")
        say(f"{path.relative_to(ROOT)} is written")
    return {"written": [str(path.relative_to(ROOT)) for path in files()]}


def check() -> None:
    """Refuses where a file is not what it has to be: somebody changed it, or the panels without it."""
    for path, content in files().items():
        if not path.is_file() or path.read_text(encoding="utf-8") != content:
            name = path.relative_to(ROOT)
            raise Refused(
                f"{name} is not what {SOURCE_FILE} says;"
                " `python -m scripts.stack_file dashboards` writes it"
            )
    say(f"{FOLDER}: {len(files())} dashboards")


def _placed(panels: Sequence[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    """From left to right, and on in the next row where one does not fit."""
    across, down = 0, 0
    for number, panel in enumerate(panels, 1):
        kind = panel.get("kind", "timeseries")
        width = WIDTHS.get(kind, WIDTH // 2)
        if across + width > WIDTH:
            across, down = 0, down + HEIGHT
        yield _panel(number, kind, panel, {"x": across, "y": down, "w": width, "h": HEIGHT})
        across += width


def _panel(
    number: int, kind: str, panel: Mapping[str, Any], place: Mapping[str, int]
) -> dict[str, Any]:
    defaults: dict[str, Any] = {"unit": UNITS[panel["unit"]]}
    if panel["unit"] == "switch":
        defaults |= {"min": 0, "max": 1}
    about = {
        "id": number,
        "type": kind,
        "title": panel["title"],
        "description": panel.get("says", ""),
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": OPTIONS[kind],
        "targets": list(_targets(panel["queries"], kind == "table")),
    }
    if kind == "table":
        left_out = {"Time": True, "__name__": True, "job": True, "address": True}
        about["transformations"] = [{"id": "organize", "options": {"excludeByName": left_out}}]
    return about


def _targets(queries: Sequence[Sequence[str]], is_table: bool) -> Iterator[dict[str, Any]]:
    """A table shows what is now, everything else what was over time."""
    for letter, (expression, legend) in zip("ABCDEF", queries, strict=False):
        yield {
            "refId": letter,
            "datasource": SOURCE,
            "expr": expression,
            "legendFormat": legend or "__auto",
            "instant": is_table,
            "range": not is_table,
            "format": "table" if is_table else "time_series",
        }


def _variable(label: str, metric: str) -> dict[str, Any]:
    query = f"label_values({metric}, {label})"
    return {
        "name": label,
        "label": label,
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": "A"},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
    }

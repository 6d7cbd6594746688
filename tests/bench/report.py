"""What was measured: as JSON, as a table with ratios, as a plot."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import Any

import msgspec

from tests.bench.contenders import EMPTY, MLFLOW, OURS

#: By model and rows of a request, how many times MLflow's throughput is asked for. It serves the compiled model.
AGAINST_MLFLOW = {
    "bench-forest": {"1": 12, "100": 8},
    "bench-linear": {"1": 12, "100": 7},
}


def tracking_uri() -> str:
    place = Path(os.environ.get("SWARMLINE_BUILD") or "build").resolve() / "mlflow.db"
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{place}"


def machine() -> dict[str, Any]:
    return {
        "cores": len(os.sched_getaffinity(0)),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }


def table(results: dict[str, Any]) -> str:
    """Ratios are ours, with the poller, over theirs. "gthread" is Gunicorn's own worker."""
    lines = [
        "| model | server | rows | req/s | ours is | p50 ms | p99 ms | errors | start s | PSS MB |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for model, by_server in results["models"].items():
        for size in ("1", "100"):
            base = by_server[OURS][size]["requests_per_second"]
            for who, measured in by_server.items():
                if size not in measured:
                    continue
                speed, standing = measured[size], measured["standing"]
                rate, start = speed["requests_per_second"], standing["start_seconds"]
                lines.append(
                    f"| {model} | {who} | {size} | {rate:.0f} | {base / rate:.2f} x"
                    f" | {speed['p50_ms']:.2f} | {speed['p99_ms']:.2f} | {speed['errors']:.0f}"
                    f" | {start:.1f} | {standing['pss_megabytes']:.0f} |"
                )
    return "\n".join(lines + ["", *bars(results)])


def bars(results: dict[str, Any]) -> list[str]:
    """The bars that a run can be held to, and whether it cleared them."""
    lines = []
    for model, by_server in results["models"].items():
        mine, theirs = by_server[OURS]["1"], by_server[EMPTY]["1"]
        share = mine["requests_per_second"] / theirs["requests_per_second"]
        tail = mine["p99_ms"] / theirs["p99_ms"]
        lines.append(
            _bar(
                f"{model}: throughput of the empty Flask view under gthread, 1 row",
                share,
                0.75,
                share >= 0.75,
            )
        )
        lines.append(
            _bar(
                f"{model}: p99 of the empty Flask view under gthread, 1 row", tail, 1.5, tail <= 1.5
            )
        )
        lines += _against_mlflow(model, by_server)
    standing = results["ours"]
    memory, start = standing["pss_megabytes"], standing["start_seconds"]
    lines.append(_bar("memory, MB PSS", memory, 150, memory <= 150))
    lines.append(_bar("start to ready, s", start, 2, start <= 2))
    return lines


def _against_mlflow(model: str, by_server: dict[str, Any]) -> list[str]:
    if MLFLOW not in by_server or model not in AGAINST_MLFLOW:
        return []
    lines = []
    for size, bound in AGAINST_MLFLOW[model].items():
        times = (
            by_server[OURS][size]["requests_per_second"]
            / by_server[MLFLOW][size]["requests_per_second"]
        )
        lines.append(
            _bar(f"{model}: times mlflow models serve, {size} rows", times, bound, times >= bound)
        )
    return lines


def _bar(what: str, value: float, bound: float, passed: bool) -> str:
    return f"{'cleared' if passed else 'MISSED '}  {what}: {value:.2f} (bar {bound:g})"


def write(results: dict[str, Any], folder: Path) -> None:
    encoded = msgspec.json.format(msgspec.json.encode(results), indent=2)
    (folder / "results.json").write_bytes(encoded)
    _plot(results, folder / "results.png")


def _plot(results: dict[str, Any], path: Path) -> None:
    import matplotlib  # pylint: disable=import-outside-toplevel  # slow to import, and needed once

    matplotlib.use("Agg")
    from matplotlib import pyplot  # pylint: disable=import-outside-toplevel

    models = results["models"]
    figure, axes = pyplot.subplots(
        1, len(models), figsize=(5.5 * len(models), 3.6), squeeze=False, layout="constrained"
    )
    for axis, (model, by_server) in zip(axes[0], models.items(), strict=True):
        names = list(by_server)[::-1]
        for offset, size in ((0.2, "1"), (-0.2, "100")):
            # An empty view reads no body, so a hundred rows say nothing of it.
            rates = [
                by_server[name].get(size, {"requests_per_second": 0})["requests_per_second"]
                for name in names
            ]
            marks = axis.barh(
                [place + offset for place in range(len(names))],
                rates,
                0.38,
                label=f"{size} row{'s' if size != '1' else ''} a request",
            )
            axis.bar_label(marks, fmt="%.0f", padding=3, fontsize=8)
        axis.set(xscale="log", title=model, xlabel="requests a second (log)")
        axis.set_yticks(range(len(names)), names, fontsize=8)
        axis.margins(x=0.2)
    axes[0][0].legend(fontsize=8)
    figure.savefig(path, dpi=120)
    pyplot.close(figure)

"""`python -m tests.bench.serving`: the service beside its peers, in interleaved rounds of one run.

Fakes nothing: the models are trained as any other (tests/bench/models.py), or are the bundles that exist, and
MLflow serves the same registered versions.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from scripts.command.options import parsed
from service.bundle.exported import ExportedModel, load_models
from tests.bench import contenders, models, report
from tests.bench.contenders import Contender, NotStarted, Running
from tests.bench.wrk import drive

SIZES = (1, 100)


def main() -> int:
    options = _options()
    served = load_models(options.bundles)
    chosen = options.model or list(served)
    if unknown := set(chosen) - set(served):
        sys.exit(f"no model {', '.join(sorted(unknown))}; models: {', '.join(served)}")
    results: dict[str, Any] = {
        "machine": report.machine(),
        "seconds": options.seconds,
        "models": {},
    }
    with tempfile.TemporaryDirectory(prefix="swarmline-bench-") as place, ExitStack() as cleanup:
        folder = Path(place)
        steady = [
            contenders.ours(options.bundles, folder / "poller"),
            contenders.ours(options.bundles, folder / "gthread", "gthread"),
            contenders.empty(),
        ]
        ours = [_start(contender, folder, cleanup) for contender in steady]
        for name in chosen:
            with ExitStack() as peers:
                others = _start_peers(_peers(options, name, served[name]), folder, peers)
                results["models"][name] = _measure(
                    options, name, served[name], ours + others, folder
                )
        results["ours"] = _standing(ours[0])
        results["empty"] = _standing(ours[-1])
    options.output.mkdir(parents=True, exist_ok=True)
    report.write(results, options.output)
    print(report.table(results))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bundles", type=Path, help="serve these, not the benchmark's own models")
    parser.add_argument("--output", type=Path, default=Path("build/bench"))
    parser.add_argument(
        "--tracking", default=report.tracking_uri(), help="where --bundles came from"
    )
    parser.add_argument("--model", action="append", help="only this model; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument(
        "--alone", action="store_true", help="only the service, the empty view and the limit"
    )
    options = parsed(parser, None)
    if options.bundles is None:
        options.bundles, options.tracking = models.trained()
    return options


def _start(contender: Contender, folder: Path, cleanup: ExitStack) -> Running:
    print(f"starting {contender.name} ...", file=sys.stderr)
    running = Running(contender, folder / f"{contender.port}.log")
    cleanup.callback(running.stop)
    return running


def _start_peers(peers: Iterator[Contender], folder: Path, cleanup: ExitStack) -> list[Running]:
    """Those that start; one that does not is said and left out, never made up."""
    running = []
    for contender in peers:
        try:
            running.append(_start(contender, folder, cleanup))
        except NotStarted as error:
            print(f"not measured: {error}", file=sys.stderr)
    return running


def _peers(options: argparse.Namespace, name: str, arms: ExportedModel) -> Iterator[Contender]:
    if contenders.limit_takes(arms.champion):
        yield contenders.limit(arms.champion.folder)
    if options.alone:
        return
    uri = f"models:/{name}/{arms.champion.manifest.version}"
    yield contenders.mlflow(uri, options.tracking)
    pipeline = models.plain_pipeline(name)
    if pipeline is not None:
        yield contenders.fastapi(pipeline, arms.champion.folder)


def _measure(
    options: argparse.Namespace,
    name: str,
    arms: ExportedModel,
    running: list[Running],
    folder: Path,
) -> dict[str, Any]:
    """Medians of rounds in which each contender has its turn."""
    results: dict[str, Any] = {}
    for size in SIZES:
        # Plain values that every contender takes alike.
        rows = [arms.champion.contract.example] * size
        taking = [
            server for server in running if size == 1 or server.contender.name != contenders.EMPTY
        ]
        rounds: dict[str, list[Any]] = {server.contender.name: [] for server in taking}
        for server in taking:
            drive(contenders.load_for(server.contender, name, rows), options.connections, 1, folder)
        for _ in range(options.rounds):
            for server in taking:
                load = contenders.load_for(server.contender, name, rows)
                rounds[server.contender.name].append(
                    drive(load, options.connections, options.seconds, folder)
                )
        for who, measured in rounds.items():
            results.setdefault(who, {})[str(size)] = _median(measured)
    for server in running:
        results[server.contender.name]["standing"] = _standing(server)
    return results


def _median(measured: list[Any]) -> dict[str, float]:
    columns = zip(*measured, strict=True)
    names = measured[0]._fields
    return {name: statistics.median(column) for name, column in zip(names, columns, strict=True)}


def _standing(running: Running) -> dict[str, float]:
    return {
        "start_seconds": round(running.start_seconds, 2),
        "pss_megabytes": round(running.pss_megabytes(), 1),
    }


if __name__ == "__main__":
    sys.exit(main())

"""What runs where, which release it is and how it does: one screen, also when half of it is down.

    python -m scripts.operate.status [--stack NAME] [--json]

Exit codes: 0 everything is as it was deployed, 1 it is not, or cannot be told.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from typing import Any

import requests

from scripts.command.options import parsed, parser
from scripts.command.outcome import Refused, finish, say
from scripts.credentials import manage
from scripts.edge import client, journal_lag
from scripts.edge.client import Access
from scripts.edge.journal_lag import Journal
from scripts.engine import lock, swarm, vault
from scripts.engine.docker import DockerError
from scripts.engine.swarm import Service, View
from scripts.ledger import records, unrecorded
from scripts.ledger.records import Record
from scripts.release import convergence, traffic
from scripts.release.rollback import line
from scripts.release.unchanged import RELEASE
from scripts.stack_file import settings
from scripts.stack_file.render import REPLICAS, Inputs

LATEST = 5


def gather(stack: str) -> dict[str, Any]:
    """Everything that can be told; what cannot is a sentence under `problems`."""
    swarm.need_manager()
    view = swarm.look(stack)
    history = records.history(stack)
    verified = records.current(history)
    by_hand = unrecorded.known(view, stack)
    serving = by_hand or verified
    inputs = serving.inputs if serving else None
    # Without a record there are only the settings of the next deploy to go by.
    reach = client.access(view, stack, inputs.variables if inputs else settings.around(stack))
    services = [_service(view, service) for service in view.services]
    callers = _callers(reach)
    held = lock.holder(stack)
    return {
        "stack": stack,
        "release": serving.release if serving else None,
        "record": serving.summary() if serving else None,
        "url": reach.url,
        "services": services,
        "nodes": [node._asdict() for node in view.nodes.values()],
        "edge": callers,
        "traffic": traffic.of(None if by_hand else verified),
        "settings": _settings(inputs),
        "secrets": _secrets(stack),
        "lock": str(held) if held else None,
        "deploys": [record.summary() for record in history[:LATEST]],
        "lines": [line(record, record is serving) for record in history[:LATEST]],
        "problems": list(_problems(view, serving, services, callers)),
        "warnings": [*callers["warnings"], *_by_hand(by_hand, verified)],
    }


def _settings(inputs: Inputs | None) -> list[dict[str, str]]:
    """What was set, and who said so; the rest is as in stack.yml."""
    if inputs is None:
        return []
    return [
        {"name": one, "value": text, "by": inputs.origins.get(one, "")}
        for one, text in sorted(inputs.variables.items())
        if one != "MODEL_IMAGE"
    ]


def _by_hand(by_hand: Record | None, verified: Record | None) -> Iterator[str]:
    if by_hand is None:
        return
    back = f", `make rollback` goes back to {verified.release}" if verified else ""
    yield (
        f"release {by_hand.release} came without `make deploy`: nothing judged it as it came in, and no record"
        f" holds it; `make confirm` proves it, `make deploy IMAGE={by_hand.image}` records it{back}"
    )


def _service(view: View, service: Service) -> dict[str, Any]:
    tasks = view.of(service)
    up = [task for task in tasks if task.up]
    broken = [task for task in tasks if task.broke]
    return {
        "name": service.name,
        "image": service.image,
        "release": service.labels.get(RELEASE, ""),
        "wanted": service.replicas,
        "deployed": int(service.labels.get(REPLICAS, service.replicas or 0)),
        "running": len(up),
        "as_meant": sum(task.current for task in up),
        "on": sorted(view.nodes[task.node].name for task in up if task.node in view.nodes),
        "update": service.update,
        "under_way": convergence.slow(view, tasks),
        "last_failure": convergence.reason(view, broken),
    }


def _callers(reach: Access) -> dict[str, Any]:
    """What a caller meets, and what the edge that answered has counted since its start."""
    told: dict[str, Any] = {"ready": False, "replicas": [], "warnings": [], "problems": []}
    try:
        answer = reach.get("/health/ready", timeout=3)
        told |= {"ready": answer.status_code == 200, "status": answer.status_code}
        told |= {"release": answer.headers.get("X-Release")}
    except requests.RequestException as error:
        return told | {"error": str(error)}
    servers = client.servers(reach)
    behind = journal_lag.ask(reach, servers)
    told["replicas"] = [
        server._asdict() | {"journal": _as_dict(behind.get(server.address))} for server in servers
    ]
    return told | {
        "warnings": list(journal_lag.warnings(behind)),
        "problems": list(journal_lag.problems(behind, time.time())),
    }


def _as_dict(journal: Journal | None) -> dict[str, Any] | None:
    return None if journal is None else journal._asdict()


def _secrets(stack: str) -> list[dict[str, str]]:
    in_use = set(manage.current(stack).values())
    return [
        {"name": one.name, "created": one.created[:19], "object": one.object}
        for one in vault.kept("secret", stack)
        if one.object in in_use
    ]


def _problems(
    view: View, serving: Record | None, services: list[dict[str, Any]], callers: dict[str, Any]
) -> Any:
    if not services:
        yield "no service of this stack runs; `make deploy` brings it in"
        return
    if serving is None:
        yield "no release was ever verified here"
    for service in services:
        wanted = service["wanted"]
        if wanted is not None and service["as_meant"] < wanted:
            words = f"; {service['last_failure']}" if service["last_failure"] else ""
            yield f"{service['name']}: {service['as_meant']} of {wanted} replicas run{words}"
        if wanted is not None and wanted != service["deployed"]:
            yield (
                f"{service['name']} was scaled to {wanted} by hand, {service['deployed']} were deployed;"
                " `make deploy` brings them back"
            )
        if serving and serving.verified and service["release"] != serving.release:
            yield f"{service['name']} is of release {service['release']}, {serving.release} was verified last"
    if not callers["ready"]:
        yield f"callers get no answer: {callers.get('error') or callers.get('status')}"
    yield from callers["problems"]
    for node in view.nodes.values():
        if node.state != "ready":
            yield f"node {node.name} is {node.state}"


def tell(found: dict[str, Any]) -> None:
    """The screen."""
    record = found["record"] or {}
    say(f"stack {found['stack']} at {found['url']}: {_health(found)}")
    if record:
        say(f"release {record['release']}, {record['kind']} of {record['at']} by {record['by']}")
        for model, arms in record["models"].items():
            shared = found["traffic"].get(model)
            say(
                f"  {model:<26} {', '.join(f'{arm} {one}' for arm, one in sorted(arms.items()))}"
                f"{f'; {_shared(shared)}' if shared else ''}"
            )
    for one in found["services"]:
        wanted = "" if one["wanted"] is None else f"/{one['wanted']}"
        state = f"  {one['update']}" if one["update"] not in ("", "completed") else ""
        say(
            f"  {one['name']:<26} {one['running']}{wanted} on {', '.join(one['on']) or 'no node'}{state}"
        )
        for under_way in one["under_way"]:
            say(f"    {under_way}")
    _tell_edge(found["edge"]["replicas"])
    _tell_settings(found["settings"])
    ages = [f"{one['name']} {one['created'][:10]}" for one in found["secrets"]]
    say(f"secrets of: {', '.join(ages) or 'none'}")
    if found["lock"]:
        say(f"lock: {found['lock']}")
    say("\n".join(["last deploys:", *found["lines"]]) if found["lines"] else "no deploy yet")
    for sentence in [*found["problems"], *found["warnings"]]:
        say(f"! {sentence}")


def _tell_settings(chosen: list[dict[str, str]]) -> None:
    for source in sorted({one["by"] for one in chosen}):
        said = [f"{one['name']}={one['value']}" for one in chosen if one["by"] == source]
        say(f"set{f' by {source}' if source else ''}: {', '.join(said)}")


def _health(found: dict[str, Any]) -> str:
    if found["problems"]:
        return f"{len(found['problems'])} problems"
    return f"all well, {len(found['warnings'])} warnings" if found["warnings"] else "all well"


def _shared(about: dict[str, Any]) -> str:
    share = f" {about.get('share', 0):.1%}" if about.get("mode") == "split" else ""
    return f"traffic {about.get('mode')}{share}"


def _tell_edge(replicas: list[dict[str, Any]]) -> None:
    for one in replicas:
        say(
            f"  replica {one['address']:<18} {'up' if one['up'] else 'DOWN'}, {one['requests']} requests,"
            f" {one['errors']} failed, {one['mean_ms']:.0f} ms, by edge {one['edge']}"
            f"{_behind(one['journal'])}"
        )


def _behind(journal: dict[str, Any] | None) -> str:
    return f"; {Journal(**journal)}" if journal else ""


def status(stack: str) -> dict[str, Any]:
    try:
        found = gather(stack)
    except DockerError as error:
        raise Refused(f"the Swarm cannot tell: {error.words}") from error
    tell(found)
    del found["lines"]
    if found["problems"]:
        raise Refused(f"stack {stack}: {found['problems'][0]}", **found)
    return found


def main(arguments: list[str] | None = None) -> int:
    options = parsed(parser("status", __doc__), arguments)
    return finish(lambda: status(options.stack), options.json)


if __name__ == "__main__":
    sys.exit(main())

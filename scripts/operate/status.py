"""What runs where, which release it is and how it does: one screen, also when half of it is down.

    python -m scripts.operate status [--stack NAME] [--json]

Exit codes: 0 everything is as it was deployed, 1 it is not, or cannot be told.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import requests

from scripts.command.options import parsed, parser
from scripts.command.outcome import Refused, finish
from scripts.edge import client, journal_lag
from scripts.edge.client import EdgeClient
from scripts.edge.counters import counters
from scripts.engine import lock, secrets_and_configs, swarm
from scripts.engine.docker import DockerError
from scripts.engine.swarm import Service, View
from scripts.ledger import confirmations, records, unrecorded
from scripts.ledger.records import Record
from scripts.monitoring_stack import state
from scripts.operate import status_replicas, status_screen
from scripts.release import traffic_file
from scripts.rollout import convergence
from scripts.stack_file import settings
from scripts.stack_file.render import StackInputs
from scripts.stack_file.rendered import RELEASE, REPLICAS

LATEST = 5


def gather(stack: str) -> dict[str, Any]:
    """Everything that can be told; what cannot is a sentence under `problems`."""
    swarm.need_manager()
    view = swarm.look(stack)
    history = records.history(stack)
    verified = records.serving(history)
    by_hand = unrecorded.record_if_readable(view, stack)
    serving = by_hand or verified
    inputs = serving.inputs if serving else None
    # Without a record there are only the settings of the next deploy to go by.
    edge = client.client_for(view, stack, inputs.variables if inputs else settings.around(stack))
    services = [_service(view, service) for service in view.services]
    callers = _callers(edge)
    held = lock.holder(stack)
    replicas = status_replicas.gather(stack, view, inputs)
    monitoring = state.facts(stack, inputs)
    return {
        "stack": stack,
        "release": serving.release if serving else None,
        "record": serving.summary() if serving else None,
        "url": edge.url,
        "services": services,
        "replicas": replicas,
        "nodes": [node._asdict() for node in view.nodes.values()],
        "edge": callers,
        "monitoring": monitoring,
        "staging": confirmations.standing(stack, history),
        "traffic": traffic_file.traffic_of(None if by_hand else verified),
        "settings": _settings(inputs),
        "secrets": _secrets(stack),
        "lock": str(held) if held else None,
        "deploys": [record.summary() for record in history[:LATEST]],
        "problems": list(_problems(view, serving, services, callers)),
        # Predictions need nothing of monitoring.
        "warnings": [
            *callers["warnings"],
            *status_replicas.warnings(replicas),
            *_by_hand(by_hand, verified),
            *_not_yet_champions(None if by_hand else verified),
            *monitoring["problems"],
        ],
    }


def _settings(inputs: StackInputs | None) -> list[dict[str, str]]:
    """What was set, and who said so; the rest is as in stack.yml."""
    if inputs is None:
        return []
    return [
        {"name": setting, "value": text, "by": inputs.origins.get(setting, "")}
        for setting, text in sorted(inputs.variables.items())
        if setting not in ("MODEL_IMAGE", "MONITOR_IMAGE")
    ]


def _by_hand(by_hand: Record | None, verified: Record | None) -> Iterator[str]:
    if by_hand is None:
        return
    back = f", `make rollback` goes back to {verified.release}" if verified else ""
    yield (
        f"release {by_hand.release} came without `make deploy`: nothing judged it as it came in, and no record"
        f" holds it; `make confirm` proves it, `make deploy IMAGE={by_hand.image}` records it{back}"
    )


def _not_yet_champions(verified: Record | None) -> Iterator[str]:
    """Between a promotion's change of traffic and its release."""
    for model, champion, challenger in traffic_file.challengers_with_all_callers(verified):
        yield (
            f"{model}: challenger {challenger} has all callers, and champion is still {champion}:"
            f" `make promote MODEL={model} VERSION={challenger} WHY=...` and a release make it champion,"
            " `make rollback` takes it back"
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
        "under_way": convergence.under_way(view, tasks),
        "last_failure": convergence.reason(view, broken),
    }


def _callers(edge: EdgeClient) -> dict[str, Any]:
    """What a caller meets, and what the edge that answered has counted since its start."""
    facts: dict[str, Any] = {"ready": False, "replicas": [], "warnings": [], "problems": []}
    try:
        answer = edge.get("/health/ready", timeout=3)
        facts |= {"ready": answer.status_code == 200, "status": answer.status_code}
        facts |= {"release": answer.headers.get("X-Release")}
    except requests.RequestException as error:
        return facts | {"error": str(error)}
    replicas = counters(edge)
    behind = journal_lag.ask(edge, replicas)
    journals = {address: journal._asdict() for address, journal in behind.items()}
    facts["replicas"] = [
        replica._asdict() | {"journal": journals.get(replica.address)} for replica in replicas
    ]
    return facts | {
        "warnings": list(journal_lag.warnings(behind)),
        "problems": list(journal_lag.problems(behind, time.time())),
    }


def _secrets(stack: str) -> list[dict[str, str]]:
    in_use = set(secrets_and_configs.current_secrets(stack).values())
    return [
        {"name": secret.name, "created": secret.created[:19], "object": secret.object}
        for secret in secrets_and_configs.listed("secret", stack)
        if secret.object in in_use
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


def status(stack: str) -> dict[str, Any]:
    try:
        facts = gather(stack)
    except DockerError as error:
        raise Refused(f"the Swarm cannot tell: {error}") from error
    status_screen.show(facts)
    if facts["problems"]:
        raise Refused(f"stack {stack}: {facts['problems'][0]}", **facts)
    return facts


def main(arguments: list[str] | None = None) -> int:
    options = parsed(parser("operate status", __doc__), arguments)
    return finish(lambda: status(options.stack), options.json)

"""The screen of `make status`."""

from __future__ import annotations

from typing import Any

from scripts.command.outcome import say
from scripts.edge.journal_lag import Journal
from scripts.ledger import records
from scripts.operate import status_replicas


def show(facts: dict[str, Any]) -> None:
    """The screen."""
    record = facts["record"] or {}
    say(f"stack {facts['stack']} at {facts['url']}: {_health(facts)}")
    if record:
        say(f"release {record['release']}, {record['kind']} of {record['at']} by {record['by']}")
        for model, arms in record["models"].items():
            shared = facts["traffic"].get(model)
            say(
                f"  {model:<26} {', '.join(f'{arm} {version}' for arm, version in sorted(arms.items()))}"
                f"{f'; {_shared(shared)}' if shared else ''}"
            )
    for service in facts["services"]:
        _show_service(service)
    if sentence := status_replicas.sentence(facts["replicas"]):
        say(f"  {sentence}")
    _show_edge(facts["edge"]["replicas"])
    _show_monitoring(facts["monitoring"])
    if facts["staging"]:
        say(facts["staging"])
    _show_settings(facts["settings"])
    ages = [f"{secret['name']} {secret['created'][:10]}" for secret in facts["secrets"]]
    say(f"secrets of: {', '.join(ages) or 'none'}")
    if facts["lock"]:
        say(f"lock: {facts['lock']}")
    say("last deploys:" if facts["deploys"] else "no deploy yet")
    for deploy in facts["deploys"]:
        say(records.line(deploy, record.get("number") == deploy["number"]))
    for sentence in [*facts["problems"], *facts["warnings"]]:
        say(f"! {sentence}")


def _show_monitoring(monitoring: dict[str, Any]) -> None:
    if not monitoring["services"]:
        say("monitoring: does not run" if monitoring["wanted"] else "monitoring: off")
        return
    parts = (f"{name.rpartition('_')[2]} {count}" for name, count in monitoring["services"].items())
    say(f"monitoring: {', '.join(parts)}")


def _show_settings(chosen: list[dict[str, str]]) -> None:
    for source in sorted({setting["by"] for setting in chosen}):
        said = [f"{each['name']}={each['value']}" for each in chosen if each["by"] == source]
        say(f"set{f' by {source}' if source else ''}: {', '.join(said)}")


def _health(facts: dict[str, Any]) -> str:
    if facts["problems"]:
        return f"{len(facts['problems'])} problems"
    return f"all well, {len(facts['warnings'])} warnings" if facts["warnings"] else "all well"


def _shared(about: dict[str, Any]) -> str:
    share = f" {about.get('share', 0):.1%}" if about.get("mode") == "split" else ""
    return f"traffic {about.get('mode')}{share}"


def _show_edge(replicas: list[dict[str, Any]]) -> None:
    for replica in replicas:
        say(
            f"  replica {replica['address']:<18} {'up' if replica['up'] else 'DOWN'},"
            f" {replica['requests']} requests, {replica['errors']} failed, {replica['mean_ms']:.0f} ms,"
            f" by edge {replica['edge']}{_behind(replica['journal'])}"
        )


def _behind(journal: dict[str, Any] | None) -> str:
    return f"; {Journal(**journal)}" if journal else ""


def _show_service(service: dict[str, Any]) -> None:
    wanted = "" if service["wanted"] is None else f"/{service['wanted']}"
    state = f"  {service['update']}" if service["update"] not in ("", "completed") else ""
    nodes = ", ".join(service["on"]) or "no node"
    say(f"  {service['name']:<26} {service['running']}{wanted} on {nodes}{state}")
    for line in service["under_way"]:
        say(f"    {line}")

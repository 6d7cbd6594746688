"""A release that came without `make deploy`: by `docker stack deploy`, from a repository, through Portainer.

Each deploy of ours labels the services that it brings; such a release has no label. What it is, its image tells;
what it was set to, stack.yml leaves on the services.
"""

from __future__ import annotations

from scripts.command.outcome import Refused, say
from scripts.engine import swarm
from scripts.engine.docker import DockerError, docker
from scripts.engine.swarm import Service, View
from scripts.image import release
from scripts.ledger import records
from scripts.ledger.records import Record
from scripts.stack_file.render import StackInputs
from scripts.stack_file.rendered import RELEASE

KIND = "by hand"
GIVEN, TLS = "swarmline.given", "swarmline.tls"
SECONDS = 60.0


def image(view: View, stack: str) -> str:
    """The image that serves without a record; nothing where what serves came by a deploy of ours."""
    service = view.named(f"{stack}_model")
    return "" if service is None or RELEASE in service.labels else service.image


def settings_by_hand(view: View, stack: str) -> dict[str, str]:
    """The settings of such a release, other than stack.yml's own."""
    model, edge = (view.named(f"{stack}_{name}") for name in ("model", "edge"))
    tls = (edge.labels if edge else {}).get(TLS)
    return (given(model) if model else {}) | ({"EDGE_TLS": tls} if tls else {})


def given(service: Service) -> dict[str, str]:
    """The settings that the service's stack file has left on it."""
    pairs = [pair.partition("=") for pair in service.labels.get(GIVEN, "").split("; ")]
    return {name: text for name, _, text in pairs if text}


def record(view: View, stack: str, seconds: float = SECONDS) -> Record | None:
    """What such a release would be recorded as, read from its image."""
    name = image(view, stack)
    if not name:
        return None
    serving = release.read(name, seconds)
    return Record(
        kind=KIND,
        release=serving.name,
        image=name,
        at=_since(view, stack),
        by="docker stack deploy",
        outcome=records.UNPROVEN,
        document=serving.document,
        golden=serving.golden,
        inputs=StackInputs({}, {**settings_by_hand(view, stack), "MODEL_IMAGE": name}, {}),
    )


def _since(view: View, stack: str) -> str:
    service = view.named(f"{stack}_model")
    tasks = view.of(service) if service else []
    times = [task.since for task in tasks if task.up and task.since]
    return f"{min(times)[:19]}+00:00" if times else records.now()


def record_if_readable(view: View, stack: str) -> Record | None:
    """As `record`; of an image that cannot be read nothing is known, and that is said."""
    try:
        return record(view, stack)
    except Refused as error:
        say(f"{image(view, stack)} serves, which `make deploy` did not bring: {error}")
        return None


def remember(view: View, stack: str) -> Record | None:
    """Records it before something else takes its place: it can be traced, and is known to have been left."""
    by_hand, history = record_if_readable(view, stack), records.history(stack)
    if by_hand is None or any(
        past.kind == KIND and past.image == by_hand.image for past in history[:1]
    ):
        return by_hand
    serving = records.serving(history)
    remembered = by_hand._replace(
        golden={}, inputs=None, replaced=serving.release if serving else ""
    )
    say(f"release {by_hand.release}, which came without `make deploy`, gets a record of its own")
    return records.store(stack, remembered)


def settings(view: View, stack: str, serving: Record | None) -> StackInputs | None:
    """What the stack was deployed with last, whichever way: the next deploy keeps it."""
    recorded = serving.inputs if serving else None
    if not image(view, stack):
        return recorded
    recorded = recorded or StackInputs({}, {}, {})
    said = {
        name: text
        for name, text in settings_by_hand(view, stack).items()
        if recorded.variables.get(name) != text
    }
    origins = {name: source for name, source in recorded.origins.items() if name not in said}
    return recorded._replace(variables={**recorded.variables, **said}, origins=origins)


def before(stack: str, history: list[Record]) -> Record | None:
    """What a plain rollback from such a release goes to: what was verified last; None where a record serves."""
    name = image(swarm.look(stack), stack)
    if not name:
        return None
    serving = records.serving(history)
    if serving is None:
        raise Refused(
            f"{name} came without `make deploy`, and so did all before it: there is no record to go back"
            f" to. Swarm itself remembers one step: `docker service rollback {stack}_model`"
        )
    return serving


def refuse(view: View, stack: str) -> None:
    """Refuses what builds upon a record, where something else serves."""
    name = image(view, stack)
    if name:
        raise Refused(
            f"{name} came without `make deploy`, so nothing tells how to change it;"
            f" `make deploy IMAGE={name}` first makes it a release like any other"
        )


def order_back(view: View) -> None:
    """Swarm's own way back, service by service; a service that it has taken back already stays."""
    for service in view.services:
        try:
            docker("service", "rollback", "--detach", service.name)
        except DockerError as error:
            say(f"{service.name} stays: {error.words}")

"""What stays of monitoring when a release of before comes back, whose record says nothing of it: image and settings."""

from __future__ import annotations

from outside.values import IMAGE
from scripts.command import files
from scripts.command.options import parameter
from scripts.command.outcome import Refused
from scripts.engine import swarm
from scripts.image.release import DIGEST
from scripts.ledger import unrecorded
from scripts.ledger.records import Record
from scripts.stack_file.monitoring import stack_of
from scripts.stack_file.render import StackInputs


def monitor_of(image: str, history: list[Record]) -> str:
    """The monitor's image beside a release's: as it is named, published with it or recorded with it; else the newest
    that a record knows. Always by digest."""
    named = parameter("MONITOR_IMAGE", IMAGE)
    if named and not DIGEST.fullmatch(named):
        raise Refused(f"MONITOR_IMAGE is {named}, which names no digest: registry/name@sha256:...")
    published = files.read_json(files.release("image.json"))
    if published.get("image") == image:
        named = named or str(published.get("monitor", ""))
    if named:
        return named
    of_it = [record for record in history if record.image == image]
    images = [
        record.inputs.monitor_image for record in [*of_it, *history] if record.inputs is not None
    ]
    return next(filter(None, images), "")


def of_the_stack(stack: str, inputs: StackInputs, monitor: str) -> StackInputs:
    """With the image, and with those settings of monitoring that run and that the inputs do not name."""
    there = with_settings(stack, inputs) or inputs
    image = {"MONITOR_IMAGE": inputs.monitor_image or monitor}
    return there._replace(
        variables={**there.variables, **(image if image["MONITOR_IMAGE"] else {})}
    )


def with_settings(stack: str, before: StackInputs | None) -> StackInputs | None:
    """What the next deploy starts from: what monitoring was set to counts where no record tells of it."""
    service = swarm.look(stack_of(stack)).named(f"{stack_of(stack)}_monitor")
    if service is None:
        return before
    before = before or StackInputs({}, {}, {})
    return before._replace(variables={**unrecorded.given(service), **before.variables})

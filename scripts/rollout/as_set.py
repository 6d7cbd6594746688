"""The stack file as it is to run: with the number of replicas that `make scale` has set, as long as it is set."""

from __future__ import annotations

from scripts.command.outcome import say
from scripts.engine.secrets_and_configs import current_secrets
from scripts.ledger import replicas
from scripts.stack_file import render
from scripts.stack_file.render import StackInputs
from scripts.stack_file.rendered import Rendered


def render_as_set(stack: str, inputs: StackInputs) -> Rendered:
    """Of deploy, rollback and traffic, and of the way back from each."""
    rendered = render.render(stack, inputs, current_secrets(stack))
    chosen, service = replicas.set_replicas(stack), replicas.service_of(stack)
    if chosen is None or service not in rendered.images(stack):
        return rendered
    own = rendered.replicas(stack)[service]
    if chosen.replicas != own:
        say(
            f"{service} keeps its replicas, {chosen}; the settings say {own}, and `make scale UNSET=1` leaves it to"
            " them"
        )
    return rendered.with_replicas(replicas.SERVICE, chosen.replicas)

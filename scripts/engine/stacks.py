"""A stack handed to the Swarm, and taken away: `docker stack deploy` and `docker stack rm`."""

from __future__ import annotations

from scripts.command.deadline import Deadline
from scripts.engine.docker import DockerError, docker
from scripts.engine.swarm import of_stack

#: What docker says where the Swarm itself changed a service between docker's look and its order.
OVERTAKEN = "out of sequence"


def deploy(stack: str, text: str, deadline: Deadline) -> None:
    """Orders what the stack file says, and waits for nothing of it."""
    # Every image is pinned: a registry that is asked again could only fail, or answer otherwise.
    flags = ("--with-registry-auth", "--resolve-image", "never", "--prune", "--detach=true")
    deadline.retry(
        lambda: docker("stack", "deploy", *flags, "-c", "-", stack, stdin=text),
        DockerError,
        step=1.0,
        words=OVERTAKEN,
    )


def remove(stack: str, deadline: Deadline) -> None:
    """Returns once all of it is gone but its volumes, secrets and configs."""
    docker("stack", "rm", stack)
    # The containers end after the services are gone, and the networks after them.
    own = ("--quiet", "--filter", of_stack(stack))
    deadline.wait_for(
        lambda: not (docker("ps", *own) or docker("network", "ls", *own)),
        lambda: f"stack {stack} is ordered down, and some of it has not ended yet",
        step=0.5,
    )

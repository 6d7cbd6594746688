"""What the processes of a container may do, as its kernel tells it: the fields of /proc/N/status."""

from __future__ import annotations

from tests.support.swarm.nodes import Node

STATUS = "for each in /proc/[0-9]*/status; do cat $each 2>/dev/null; done; true"
CAPABILITIES = ("CapEff", "CapPrm", "CapBnd")
#: What runs a health check or this look is, before it becomes that program, the engine's own with all rights:
#: it gives them up inside of the container, and may be seen there.
ENGINES_OWN = "runc:["


def processes(node: Node, container: str) -> list[dict[str, str]]:
    """The container's own: a process's fields by their names."""
    lines = node.docker("exec", container, "sh", "-c", STATUS).splitlines()
    fields = [line.split(":\t", 1) for line in lines if ":\t" in line]
    running: list[dict[str, str]] = []
    for name, value in fields:
        if name == "Name":
            running.append({})
        running[-1][name] = value
    return [each for each in running if not each["Name"].startswith(ENGINES_OWN)]


def capabilities(running: list[dict[str, str]]) -> set[int]:
    return {int(each[name], 16) for each in running for name in CAPABILITIES}

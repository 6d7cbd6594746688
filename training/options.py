"""What the command line may say about a training."""

from typing import Literal, NamedTuple

STEPS = ("validate", "search", "export", "evaluate", "gate", "register")
#: The tag of a run that says which were left out.
SKIPPED = "swarmline.skipped"


class Options(NamedTuple):
    """`skip` names steps; `gate` decides what a gate that fails does; `force` trains what did not change."""

    cluster: str = ""
    gate: Literal["enforce", "report", "later"] = "enforce"
    skip: frozenset[str] = frozenset()
    force: bool = False

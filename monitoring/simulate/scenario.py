"""What the callers do when: phases of minutes, in which inputs shift, truth is held back, or the relation changes."""

from __future__ import annotations

from typing import NamedTuple


class Phase(NamedTuple):
    name: str
    minutes: float
    #: Standard deviations.
    shift: float = 0.0
    #: What really happens is otherwise than in training.
    changed: bool = False
    #: Truth is sent after so many times its delay.
    lateness: float = 1.0
    words: str = ""


CALM = Phase("calm", 1.0, words="callers as in training: the monitor is silent")
DRIFT = Phase(
    "shift",
    4.0,
    shift=1.0,
    words="inputs shift by a standard deviation: drift, within two or three windows",
)
LATE = Phase(
    "late",
    4.0,
    lateness=6.0,
    words="truth comes six times as late: quality is judged again as it comes",
)
RELATION = Phase(
    "relation",
    5.0,
    changed=True,
    words="inputs as in training, but what happens is otherwise: quality, and the trust line",
)
SCENARIOS: dict[str, tuple[Phase, ...]] = {
    "all": (CALM, DRIFT, CALM._replace(minutes=3.0), RELATION),
    "calm": (CALM._replace(minutes=10.0),),
    "shift": (CALM, DRIFT),
    "late": (CALM, LATE),
    "relation": (CALM, RELATION),
}


def phase_at(scenario: tuple[Phase, ...], minutes: float) -> Phase | None:
    """None once it is over."""
    for phase in scenario:
        if minutes < phase.minutes:
            return phase
        minutes -= phase.minutes
    return None

"""The edge as callers meet it: the real HAProxy, with replicas that do as a test tells them."""

from tests.support.edge.haproxy import (
    DEADLINE,
    HAPROXY,
    KEY,
    MEGABYTE,
    Answer,
    Edge,
    Start,
    problem,
)
from tests.support.edge.replicas import Replica, planned

__all__ = [
    "DEADLINE",
    "HAPROXY",
    "KEY",
    "MEGABYTE",
    "Answer",
    "Edge",
    "Replica",
    "Start",
    "planned",
    "problem",
]

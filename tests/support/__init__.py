"""What the tests stand on, and no test itself.

edge          the real HAProxy, replicas that do as they are told, a name server
swarm         a Docker Swarm of several engines on this machine
swarm_stack   releases and stacks in it, by the project's own commands; callers; figures
jenkins       pipeline files read and run as Jenkins does
imports, concerned, known, once, watch, lint   what `make check`, `make test-fast` and `make watch` are made of
"""

from __future__ import annotations

from pathlib import Path

#: The checkout.
ROOT = Path(__file__).parents[2]

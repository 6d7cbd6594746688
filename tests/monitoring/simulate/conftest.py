from __future__ import annotations

# Fixtures of the processes, which tests/monitoring/server has as well.
from tests.support.monitoring.processes import environ, start

__all__ = ["environ", "start"]

"""Pipeline files as Jenkins reads and runs them, by the Groovy of Jenkins; and its configuration and jobs."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent

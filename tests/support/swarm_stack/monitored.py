"""A stack with a monitor of windows of a minute, and alerts that are over sooner than a user's."""

from __future__ import annotations


def windows_of_a_minute(every: int, allowance: int) -> dict[str, str]:
    """Settings: how often the monitor looks, and how long it waits for late rows, in seconds."""
    return {
        "MONITORING": "on",
        "MONITOR_WINDOW": "1m",
        "MONITOR_EVERY": str(every),
        "MONITOR_ALLOWANCE": str(allowance),
    }


def shorter_alerts(outlast: str) -> tuple[tuple[str, str, str], ...]:
    """Changes of a checkout: how long an alert outlasts its alarm, and a message waits for the next one of its group.

    Both only make the end late, and decide nothing.
    """
    return (
        (
            "stack/monitoring/rules.yml",
            "keep_firing_for: 15m",
            f"keep_firing_for: {outlast}",
        ),
        ("stack/monitoring/alertmanager.yml", "group_interval: 5m", "group_interval: 30s"),
    )

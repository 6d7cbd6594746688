"""A challenger's share raised step by step, as the monitor's verdicts allow: to all callers, or back to none."""

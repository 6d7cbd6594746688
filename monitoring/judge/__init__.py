"""One window judged: `judge_window` is the list of its steps; and which findings become alarms."""

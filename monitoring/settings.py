"""The monitor's settings, from the environment and `*_FILE` secrets alone; all are checked before the start."""

"""What Prometheus scrapes of nodes and tasks, by the engine's API."""

"""What Prometheus scrapes of the monitor."""

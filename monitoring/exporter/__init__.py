"""What Prometheus scrapes of the monitor."""

from monitoring.exporter.metrics import Exporter

__all__ = ["Exporter"]

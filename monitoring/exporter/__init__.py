"""What Prometheus scrapes of the monitor."""

from monitoring.exporter.metrics import CONTENT_TYPE, Exporter

__all__ = ["CONTENT_TYPE", "Exporter"]

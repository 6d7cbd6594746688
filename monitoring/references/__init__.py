"""Where the reference, the contract and the rules of a version come from, and the copies that are kept."""

from monitoring.references.references import References, exported_models
from monitoring.references.tracking_server import (
    TrackingRefused,
    TrackingServer,
    TrackingUnavailable,
)
from monitoring.references.version import NoReference, VersionReference

__all__ = [
    "NoReference",
    "References",
    "TrackingRefused",
    "TrackingServer",
    "TrackingUnavailable",
    "VersionReference",
    "exported_models",
]

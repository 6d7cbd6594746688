"""A stack file in which everything is filled in: its identity, its labels, its images and its replicas."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import yaml

#: Labels on every service: what was deployed, and what is scaled by hand afterwards can be told from it.
SETTINGS, RELEASE, IMAGE = "swarmline.settings", "swarmline.release", "swarmline.image"
REPLICAS = "swarmline.replicas"


class Rendered(NamedTuple):
    """`settings` names everything in it but the labels and what `make scale` has set: the same name means the same
    stack."""

    text: str
    settings: str

    @classmethod
    def of(cls, text: str) -> Rendered:
        return cls(text, hashlib.sha256(text.encode()).hexdigest()[:10])

    def images(self, stack: str) -> dict[str, str]:
        """By service."""
        return {f"{stack}_{name}": about["image"] for name, about in self._services().items()}

    def replicas(self, stack: str) -> dict[str, int | None]:
        """How many of each service are wanted; None where every node has one."""
        return {
            f"{stack}_{name}": _replicas(about["deploy"])
            for name, about in self._services().items()
        }

    def with_replicas(self, service: str, count: int) -> Rendered:
        """With another number of one service's replicas, which is none of the settings."""
        document: dict[str, Any] = yaml.safe_load(self.text)
        document["services"][service]["deploy"]["replicas"] = count
        return self._replace(text=yaml.safe_dump(document, sort_keys=False))

    def labelled(self, labels: Mapping[str, str]) -> str:
        """The file with labels on every service, ready to be read by docker once more."""
        document: dict[str, Any] = yaml.safe_load(self.text)
        for service in document["services"].values():
            deploy = service.setdefault("deploy", {})
            count = _replicas(deploy)
            own = {} if count is None else {REPLICAS: str(count)}
            deploy["labels"] = {**(deploy.get("labels") or {}), **labels, **own}
        # What is rendered is plain text; docker would take its dollars for variables.
        return yaml.safe_dump(document, sort_keys=False).replace("$", "$$")

    def _services(self) -> dict[str, Any]:
        return dict(yaml.safe_load(self.text)["services"])


def _replicas(deploy: Mapping[str, Any]) -> int | None:
    return None if deploy.get("mode") == "global" else int(deploy.get("replicas", 1))

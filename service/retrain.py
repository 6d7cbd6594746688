"""Starts a training: the Jenkins job where there is one, else a command."""

from __future__ import annotations

from typing import Any

from service.settings import Settings


class Retrain:
    def __init__(self, settings: Settings):
        self._settings = settings

    def start(self, model: str) -> dict[str, Any]:
        raise NotImplementedError

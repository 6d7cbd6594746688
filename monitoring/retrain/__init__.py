"""Alerts that ask for a retraining: Alertmanager's message in, a build of Jenkins' job out, once per cool-down.

`Taker` decides of a message at once and keeps the decision; `Starter` asks Jenkins for what waits, until it answers.
"""

from monitoring.retrain.message import BadMessage
from monitoring.retrain.starter import Starter
from monitoring.retrain.taker import Taker

__all__ = ["BadMessage", "Starter", "Taker"]

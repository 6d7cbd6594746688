"""How many replicas of the model service the load needs, by measured capacity; and, where it is switched on, their change.

`Scaler` measures and keeps what it measured; with a job it asks Jenkins for another number of replicas.
"""

from monitoring.scale.capacity import Bounds
from monitoring.scale.decision import Rules
from monitoring.scale.scaler import Scaler

__all__ = ["Bounds", "Rules", "Scaler"]

"""How many replicas of the model service the load needs, by measured capacity; and orders of another number.

`Scaler` measures and keeps what it measured; where AUTOSCALE is on it asks Jenkins for another number of replicas.
"""

from monitoring.scale.capacity import Bounds
from monitoring.scale.decision import Rules
from monitoring.scale.scaler import Scaler

__all__ = ["Bounds", "Rules", "Scaler"]

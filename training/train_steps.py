"""The steps of a training, by name; apart, so that the command line knows them without importing what does them."""

from typing import Literal

Step = Literal["validate", "search", "export", "evaluate", "gate", "register"]
STEPS: tuple[Step, ...] = ("validate", "search", "export", "evaluate", "gate", "register")

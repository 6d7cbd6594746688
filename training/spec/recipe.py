"""`[objective]` and `[recipe.NAME]` of an optimization: what a recipe is worth, and what each part of it costs."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from service.bundle.monitor_rules import Positive


class Ingredient(Struct, frozen=True):
    """One thing that a recipe decides: it costs `cost` for each unit above `free`, times the columns in `times`."""

    minimum: float
    maximum: float
    cost: Annotated[float, Meta(ge=0)] = 0.0
    free: float | None = None
    times: tuple[str, ...] = ()
    unit: str = ""
    description: str = ""


class Objective(Struct, frozen=True):
    """What a recipe is worth: `value` for each unit that `model` predicts, less what the ingredients cost."""

    model: str
    value: float
    contexts: Positive = 400
    generations: Positive = 120
    population: Positive = 12

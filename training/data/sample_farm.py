"""The sample farm of VertiFlow: made-up batches of a vertical farm, seeded. No real farm was measured."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

FIRST_DAY = np.datetime64("2023-01-02")
DAYS = 1050


class _Crop(NamedTuple):
    """What a crop likes best, and what it gives then (kg a square metre and cycle)."""

    best_yield: float
    light: float
    warmth: float
    salts: float
    days: int


CROPS = {
    "lettuce": _Crop(4.6, 15.0, 20.5, 1.5, 34),
    "basil": _Crop(3.4, 17.0, 24.5, 1.8, 38),
    "kale": _Crop(3.9, 16.0, 18.0, 1.7, 42),
    "pak-choi": _Crop(5.2, 14.5, 19.5, 1.9, 32),
    "strawberry": _Crop(6.0, 20.0, 22.0, 1.3, 88),
}
TIERS = ("bottom", "middle", "top")
SENSOR_LOSS = 0.02


def farm(rows: int, seed: int = 20) -> pd.DataFrame:
    """One row a harvested batch: crop, place, season, recipe, climate, `yield_kg_m2` and `grade`."""
    random = np.random.default_rng(seed)
    names = random.choice(list(CROPS), rows, p=[0.34, 0.2, 0.16, 0.18, 0.12])
    day = np.sort(random.integers(0, DAYS, rows))
    season = np.sin(2 * np.pi * (day - 100) / 365.25)
    outdoor = 10.5 + 9.5 * season + random.normal(0, 3, rows)
    tier = random.choice(TIERS, rows)
    frame = pd.DataFrame(
        {
            "batch": [f"B{number:07d}" for number in range(rows)],
            "harvested_at": FIRST_DAY + day.astype("timedelta64[D]"),
            "crop": names,
            "tier": tier,
            "outdoor_c": outdoor.round(1),
            **_recipe(names, random),
            **_climate(tier, outdoor, random),
        }
    )
    growth = _growth(frame)
    best = np.array([CROPS[name].best_yield for name in names])
    frame["yield_kg_m2"] = np.clip(best * growth * random.normal(1, 0.045, rows), 0.05, None).round(
        3
    )
    frame["grade"] = _grade(frame, growth, random)
    return _lose_readings(frame, random)


def _recipe(names: np.ndarray, random: np.random.Generator) -> dict[str, np.ndarray]:
    """What the growers set: near what the crop likes, with experiments on both sides."""
    rows = len(names)
    light = np.array([CROPS[name].light for name in names])
    salts = np.array([CROPS[name].salts for name in names])
    warmth = np.array([CROPS[name].warmth for name in names])
    days = np.array([CROPS[name].days for name in names])
    return {
        "light_mol_m2_d": np.clip(light * random.uniform(0.5, 1.5, rows), 6, 32).round(2),
        "temperature_c": np.clip(warmth + random.normal(0, 3.2, rows), 12, 32).round(2),
        "ec_ms_cm": np.clip(salts * random.uniform(0.5, 1.7, rows), 0.6, 3.4).round(2),
        "co2_ppm": np.clip(random.uniform(400, 1500, rows), 400, 1500).round(0),
        "density_m2": random.integers(16, 49, rows),
        "cycle_days": np.clip(days * random.uniform(0.85, 1.2, rows), 24, 110).round().astype(int),
    }


def _climate(
    tier: np.ndarray, outdoor: np.ndarray, random: np.random.Generator
) -> dict[str, np.ndarray]:
    """What the sensors saw: drier and warmer on top, disturbed by the weather outside."""
    height = np.select([tier == "bottom", tier == "middle"], [-1.0, 0.0], 1.0)
    rows = len(tier)
    humidity = 66 - 4 * height + 0.25 * (outdoor - 10) + random.normal(0, 5, rows)
    return {
        "humidity_pct": np.clip(humidity, 35, 95).round(1),
        "ph": np.clip(random.normal(5.9, 0.32, rows), 4.8, 7.2).round(2),
        "water_c": np.clip(20 + 0.12 * (outdoor - 10) + random.normal(0, 1.2, rows), 12, 29).round(
            1
        ),
        "leak_repaired": random.random(rows) < 0.06,
    }


def _growth(frame: pd.DataFrame) -> np.ndarray:
    """The share of the best yield that the conditions allow: saturating, peaked, and limited by the worst of them."""
    crops = [CROPS[name] for name in frame["crop"]]
    light = frame["light_mol_m2_d"].to_numpy() / np.array([crop.light for crop in crops])
    warmth = frame["temperature_c"].to_numpy() - np.array([crop.warmth for crop in crops])
    warmth = warmth + np.where(frame["tier"] == "top", 0.8, 0.0)
    salts = frame["ec_ms_cm"].to_numpy() / np.array([crop.salts for crop in crops])
    days = frame["cycle_days"].to_numpy() / np.array([crop.days for crop in crops])
    co2 = frame["co2_ppm"].to_numpy()
    # More carbon dioxide helps only where there is light to use it.
    photosynthesis = (
        np.tanh(1.5 * light)
        / np.tanh(1.5)
        * (1 + 0.22 * np.tanh((co2 - 420) / 450) * np.minimum(light, 1.3))
    )
    burnt = np.exp(-3.0 * np.clip(light - 1.25, 0, None) ** 2)
    climate = np.exp(-((warmth / 5.2) ** 2))
    feed = np.exp(-((np.log(salts) / 0.62) ** 2))
    acid = np.exp(-(((frame["ph"].to_numpy() - 5.9) / 0.95) ** 2))
    humid = 1 - 0.0012 * np.clip(np.abs(frame["humidity_pct"].to_numpy() - 66) - 6, 0, None) ** 1.5
    crowd = 1 - 0.00045 * (frame["density_m2"].to_numpy() - 30.0) ** 2
    grown = 1 / (1 + np.exp(-9 * (days - 0.78)))
    growth = photosynthesis * burnt * np.minimum(climate, feed) * acid * humid * crowd * grown
    return np.asarray(growth * np.where(frame["leak_repaired"], 0.88, 1.0) * 0.97)


def _grade(frame: pd.DataFrame, growth: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """A, B or C at packing: looks, not weight; tip burn and stretch show even in a heavy batch."""
    crops = [CROPS[name] for name in frame["crop"]]
    light = frame["light_mol_m2_d"].to_numpy() / np.array([crop.light for crop in crops])
    warmth = frame["temperature_c"].to_numpy() - np.array([crop.warmth for crop in crops])
    salts = frame["ec_ms_cm"].to_numpy() / np.array([crop.salts for crop in crops])
    tip_burn = np.clip(light - 1.05, 0, None) * 2.6 + np.clip(salts - 1.15, 0, None) * 1.9
    stretched = np.clip(0.85 - light, 0, None) * 3.4 + np.clip(warmth - 2, 0, None) * 0.22
    damp = np.clip(frame["humidity_pct"].to_numpy() - 72, 0, None) * 0.055
    old = (
        np.clip(
            frame["cycle_days"].to_numpy() / np.array([crop.days for crop in crops]) - 1.05, 0, None
        )
        * 5
    )
    looks = 1.6 * growth - tip_burn - stretched - damp - old + random.normal(0, 0.10, len(frame))
    return np.select([looks > 0.55, looks > -0.25], ["A", "B"], "C")


def _lose_readings(frame: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """Sensors fail at times, the humidity sensors of the top tier more often."""
    for column in ("humidity_pct", "ph", "water_c", "outdoor_c"):
        loss = SENSOR_LOSS * (3 if column == "humidity_pct" else 1)
        weight = np.where(frame["tier"] == "top", loss, loss / 2)
        frame.loc[random.random(len(frame)) < weight, column] = np.nan
    return frame


SAMPLES = {"farm": farm}

"""The sample farm: made up, and the same every time."""

from training.data.sample_farm import farm
from training.data.sources import fingerprint


def test_the_sample_farm_is_the_same_every_time() -> None:
    assert fingerprint(farm(200)) == fingerprint(farm(200))


def test_the_sample_farm_has_seasons_crops_and_lost_readings() -> None:
    rows = farm(3000)
    months = rows.groupby(rows["harvested_at"].dt.month)["outdoor_c"].mean()
    assert months.loc[7] - months.loc[1] > 10
    assert rows["crop"].nunique() == 5
    assert 0.005 < rows["humidity_pct"].isna().mean() < 0.1

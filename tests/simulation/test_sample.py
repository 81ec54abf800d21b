"""The sample films that ship are what this simulator makes, and their table tells the truth about them."""

from __future__ import annotations

import csv

import numpy as np

from hipcad_desktop.app.paths import resource
from hipcad_desktop.app.sample import sample_films
from hipcad_desktop.domain.anatomy import FractureType, Side
from hipcad_desktop.domain.geometry import Size
from hipcad_desktop.imaging.reader import read_film
from hipcad_desktop.simulation.film import simulate_film


def rows(name: str) -> list[dict[str, str]]:
    """A shipped table's rows."""
    with resource("sample", name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_tables_and_films_belong_together() -> None:
    truth = {row["file"]: row for row in rows("truth.csv")}
    assert sorted(truth) == [path.name for path in sample_films()]
    for reading in rows("readings.csv"):
        told = truth[reading["file"]]
        assert [reading[k] for k in ("x", "y", "width", "height", "type")] == [
            told[k] for k in ("x", "y", "width", "height", "type")
        ]


def test_a_shipped_film_is_made_again() -> None:
    told = rows("truth.csv")[0]
    size = Size(int(told["film_width"]), int(told["film_height"]))
    made = simulate_film(
        seed=int(told["seed"]), size=size, hospital="A", fracture=FractureType(told["type"]), side=Side(told["side"])
    )
    shipped = read_film(resource("sample", told["file"])).values.astype(float)
    assert np.corrcoef(shipped.ravel(), made.values.astype(float).ravel())[0, 1] > 0.999
    assert float(told["head_left_x"]) == round(made.truth.head_left_px[0], 2)
    assert float(told["x"]) == made.truth.findings[0].rectangle.x

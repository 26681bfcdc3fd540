"""What the key-value store shows before a reader brings data: one example for each screen."""

from __future__ import annotations

from typing import Any


def examples() -> dict[str, dict[str, Any]]:
    """Keys, values, names and queries by screen."""
    # How sweet, how warm.
    recipes: dict[str, tuple[list[float], str]] = {
        "Lasagna": ([-2.7, 1.1], "layer pasta, ragù, béchamel"),
        "Pizza": ([-1.4, 2.5], "stretch dough, sauce, cheese"),
        "Pancakes": ([2.1, 2.0], "whisk batter, fry"),
        "Tiramisu": ([2.9, -0.6], "soak biscuits, fold cream"),
        "Ice cream": ([1.7, -2.4], "stir cream while it freezes"),
        "Gazpacho": ([-2.0, -2.1], "blend tomatoes, chill"),
    }
    whole: dict[str, tuple[list[float], float]] = {
        "A": ([5.0, 0.0, 0.0], 10.0),
        "B": ([0.0, 5.0, 0.0], 20.0),
        "C": ([0.0, 5.0, 0.0], 40.0),
        "D": ([0.0, 0.0, 5.0], 80.0),
    }
    points = [(0.3, 1.2), (0.9, 2.1), (1.6, 2.6), (2.2, 2.2), (3.1, 0.9), (3.8, 0.4), (4.6, 1.1),
              (5.5, 2.3)]  # fmt: skip
    return {
        "recipes": {
            "keys": [key for key, _ in recipes.values()],
            "values": [value for _, value in recipes.values()],
            "names": list(recipes),
            "query": [[-1.8, 1.0]],
            "query_names": ["lasagne"],
            "beta": 2**-0.5,
            "axes": ["savoury", "sweet", "cold", "warm"],
        },
        "numbers": {
            "keys": [key for key, _ in whole.values()],
            "values": [value for _, value in whole.values()],
            "names": list(whole),
            "query": [[5.0, 0.0, 0.0], [0.0, 5.0, 0.0], [0.0, 5.0, 5.0]],
            "query_names": [],
            "beta": 3**-0.5,
        },
        "regression": {
            "keys": [[x] for x, _ in points],
            "values": [y for _, y in points],
            "names": [f"point {number}" for number in range(1, 1 + len(points))],
            "query": [[2.6]],
            "query_names": [],
            "beta": 8.0,
        },
    }

"""The screens of the key-value store, and which entries each of them can draw."""

from __future__ import annotations

from typing import Any

SCREENS = ("recipes", "numbers", "regression")


def misfit(screen: str, keys: list[list[float]], values: list[Any]) -> str:
    """Why these entries cannot be drawn on a screen; "" where they can."""
    d = len(keys[0])
    if screen == "recipes" and d != 2:
        return f"The screen 'recipes' is a plane for keys of shape (n, 2); yours are (n, {d})."
    if screen == "regression" and (d != 1 or not isinstance(values[0], float)):
        return "The screen 'regression' needs keys of shape (n, 1) and numbers as values."
    return ""


def best_screen(keys: list[list[float]], values: list[Any]) -> str:
    """The screen that shows most of these entries."""
    fitting = (screen for screen in ("recipes", "regression") if not misfit(screen, keys, values))
    return next(fitting, "numbers")

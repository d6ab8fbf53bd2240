"""A recipe by its name, with settings replaced and checked before anything is opened."""

import math
import re
from collections.abc import Mapping
from typing import Any

from vosref.options import named
from vosref.train.recipes import CUES, FeelvosRecipe, Recipe, TvosRecipe

__all__ = ["METHODS", "RECIPES", "named_recipe", "usual_recipe"]

METHODS: dict[str, type[TvosRecipe] | type[FeelvosRecipe]] = {"tvos": TvosRecipe, "feelvos": FeelvosRecipe}
RECIPES = ("released", "lite0")
CHOICES = {
    "reduction": ("sum", "mean"),
    "optimiser": ("sgd", "adamw"),
    "schedule": ("cosine", "polynomial"),
    "cues": CUES,
    "previous_frame": ("local", "global"),
}
PATTERNS = ("decayed", "slower", "frozen", "adapting")
SHARES = ("flips", "fraction", "dropout", "damage", "least_object", "norm_momentum", "momentum", "average")
LEAST = {"n_frames": 2}  # of whole numbers; of the others that count something, 1
FROM_ZERO = ("warm_up", "least_pixels", "window_radius")
ABOVE_ZERO = ("scales", "learning_rate", "working_scale", "temperature", "fraction")


def named_recipe(method: str, name: str, settings: Mapping[str, str] | None = None, /) -> Recipe:
    """Return a method's recipe.

    Parameters
    ----------
    method : str
        tvos or feelvos.
    name : str
        released or lite0.
    settings : mapping of str to str, optional
        Texts of values by the names of fields; two numbers are written ``0.8,1.25``.

    Raises
    ------
    ValueError
        If a name is unknown, or a value cannot be one of its field.
    """
    kind = named(METHODS, "method", method)
    if name not in RECIPES:
        raise ValueError(f"recipe must be one of {', '.join(RECIPES)}, got {name!r}")
    recipe: Recipe = getattr(kind, name)()
    for field, text in (settings or {}).items():
        if field not in recipe._fields:
            raise ValueError(f"the recipe of {method} has no setting {field!r}; it has {', '.join(recipe._fields)}")
        value = _read(field, text, getattr(recipe, field))
        _check(field, value)
        recipe = recipe._replace(**{field: value})
    return recipe


def usual_recipe(model: str, /) -> str:
    """Return the name of the recipe that suits a model: our own for EfficientNet-Lite, else the authors'."""
    return "lite0" if "-lite" in model else "released"


def _read(field: str, text: str, old: Any) -> Any:
    """Read a text as what the field holds."""
    expected = {bool: "true or false", int: "a whole number", float: "a number", tuple: "two numbers, such as 0.8,1.25"}
    try:
        if isinstance(old, bool):
            return {"true": True, "false": False}[text.lower()]
        if isinstance(old, tuple):
            first, second = (float(part) for part in text.strip("() ").split(","))
            return first, second
        return type(old)(text)
    except (ValueError, KeyError):
        raise ValueError(f"{field} must be {expected[type(old)]}, got {text!r}") from None


def _check(field: str, value: Any) -> None:
    """Refuse a value that no training can go by."""
    if field in CHOICES:
        named(dict.fromkeys(CHOICES[field]), field, value)
    if field in PATTERNS:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"{field} must be a regular expression, got {value!r} ({error})") from None
    if isinstance(value, bool | str):
        return
    numbers = value if isinstance(value, tuple) else (value,)
    rule = _rule(field, value)
    low, high, open_below = rule
    if not all((low < n if open_below else low <= n) and n <= high and math.isfinite(n) for n in numbers):
        above = f"above {low:g}" if open_below else f"{low:g} or more"
        raise ValueError(f"{field} must be {above}{f' and at most {high:g}' if high < math.inf else ''}, got {value}")
    if field == "scales" and value[0] > value[1]:
        raise ValueError(f"scales must be a range, the smaller number first, got {value}")


def _rule(field: str, value: Any) -> tuple[float, float, bool]:
    """Return the least and the largest number that a field may hold, and whether the least is left out."""
    high = 1.0 if field in SHARES else math.inf
    if isinstance(value, int):
        return (0 if field in FROM_ZERO else LEAST.get(field, 1)), high, False
    return 0.0, high, field in ABOVE_ZERO

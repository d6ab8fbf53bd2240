"""Recipes by their names, and their settings as texts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.train.recipes import FeelvosRecipe, TvosRecipe
from vosref.train.settings import METHODS, RECIPES, named_recipe, usual_recipe


def test_recipes_are_found_by_their_names():
    assert named_recipe("tvos", "released") == TvosRecipe.released()
    assert named_recipe("feelvos", "lite0") == FeelvosRecipe.lite0()


@pytest.mark.parametrize(
    ("model", "recipe"),
    [("tvos-lite0", "lite0"), ("feelvos-lite0-258", "lite0"), ("tvos-resnet50", "released")],
)
def test_a_model_has_the_recipe_that_suits_it(model, recipe):
    assert usual_recipe(model) == recipe


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", RECIPES)
def test_every_setting_can_be_written_as_it_is_printed(method, name):
    recipe = named_recipe(method, name)
    assert named_recipe(method, name, {field: str(value) for field, value in recipe._asdict().items()}) == recipe


@given(low=st.floats(0.1, 2), high=st.floats(2, 3))
def test_two_numbers_are_read_with_and_without_brackets(low, high):
    for text in (f"{low},{high}", f"({low}, {high})"):
        assert named_recipe("tvos", "lite0", {"scales": text}).scales == (low, high)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"croup": "3"}, "the recipe of tvos has no setting 'croup'; it has n_frames, most_apart, crop"),
        ({"crop": "3.5"}, "crop must be a whole number, got '3.5'"),
        ({"crop": "0"}, "crop must be 1 or more, got 0"),
        ({"n_frames": "1"}, "n_frames must be 2 or more, got 1"),
        ({"warm_up": "-1"}, "warm_up must be 0 or more, got -1"),
        ({"learning_rate": "0"}, "learning_rate must be above 0, got 0"),
        ({"learning_rate": "nan"}, "learning_rate must be above 0, got nan"),
        ({"learning_rate": "inf"}, "learning_rate must be above 0, got inf"),
        ({"weight_decay": "-1"}, "weight_decay must be 0 or more, got -1"),
        ({"momentum": "2"}, "momentum must be 0 or more and at most 1, got 2"),
        ({"flips": "0,2"}, r"flips must be 0 or more and at most 1, got (0.0, 2.0)"),
        ({"scales": "0,1"}, r"scales must be above 0, got (0.0, 1.0)"),
        ({"scales": "2,1"}, r"scales must be a range, the smaller number first, got (2.0, 1.0)"),
        ({"scales": "1"}, "scales must be two numbers, such as 0.8,1.25, got '1'"),
        ({"brief": "yes"}, "brief must be true or false, got 'yes'"),
        ({"frozen": "("}, "frozen must be a regular expression, got '('"),
        ({"optimiser": "lion"}, "optimiser must be one of sgd, adamw, got 'lion'"),
        ({"schedule": "flat"}, "schedule must be one of cosine, polynomial, got 'flat'"),
        ({"reduction": "max"}, "reduction must be one of sum, mean, got 'max'"),
    ],
)
def test_settings_that_no_training_can_go_by_are_refused(settings, message):
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared below
        named_recipe("tvos", "lite0", settings)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("method", "name", "message"),
    [
        ("stm", "lite0", "method must be one of tvos, feelvos, got 'stm'"),
        ("tvos", "paper", "recipe must be one of released, lite0, got 'paper'"),
    ],
)
def test_unknown_names_are_refused(method, name, message):
    with pytest.raises(ValueError, match=message):
        named_recipe(method, name)

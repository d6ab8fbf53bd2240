"""The recipes' numbers as the specifications print them, and the steps that weights take, by hand."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from recorder import thin

torch = pytest.importorskip("torch", reason="torch is not installed: training is not tested")

from vosref.losses import hardest_pixels  # noqa: E402 - they need torch
from vosref.train.network import Network  # noqa: E402
from vosref.train.optimisers import Optimiser, learning_rate  # noqa: E402
from vosref.train.recipes import FeelvosRecipe, TvosRecipe  # noqa: E402
from vosref.weights import MODELS, model  # noqa: E402

RECIPES = TvosRecipe.released(), TvosRecipe.lite0(), FeelvosRecipe.released(), FeelvosRecipe.lite0()
SINGLE = 2.0**-24


# ── numbers ──


def test_tvos_is_trained_as_the_specification_says():  # specs TVOS §3
    recipe = TvosRecipe.released()
    assert recipe.steps == 240 * 263
    assert (recipe.n_frames, recipe.most_apart, recipe.crop, recipe.flips, recipe.scales) == (
        10,
        1,
        256,
        (0.5, 0.5),
        (1, 1),
    )
    assert (recipe.batch, recipe.reduction, recipe.temperature, recipe.normalise) == (16, "mean", 1.0, False)
    assert (recipe.momentum, recipe.nesterov, recipe.weight_decay, recipe.clip, recipe.warm_up) == (
        0.9,
        True,
        3e-4,
        0,
        0,
    )
    assert (recipe.output_stride, recipe.working_scale, recipe.average) == (8, 1.0, 0.0)


@pytest.mark.parametrize(
    ("epoch", "rate", "digits"), [(0, 0.02, 9), (1, 0.0199991, 7), (120, 0.01002, 7), (239, 4.0855e-5, 9)]
)
def test_tvos_learning_rate_is_the_releases_in_every_step_of_an_epoch(epoch, rate, digits):
    recipe = TvosRecipe.released()
    for step in (263 * epoch, 263 * epoch + 262):
        assert round(learning_rate(step, recipe), digits) == rate


@pytest.mark.parametrize(("step", "rate"), [(0, 0.0007), (50_000, 0.000540), (100_000, 0.000375), (150_000, 0.000201)])
def test_feelvos_learning_rate_is_the_releases(step, rate):
    assert round(learning_rate(step, FeelvosRecipe.released()), 6) == rate


def test_feelvos_is_trained_as_the_specification_says():  # specs FEELVOS §5
    recipe = FeelvosRecipe.released()
    assert (recipe.crop, recipe.flips, recipe.scales, recipe.least_pixels) == (465, (0, 0.5), (1, 1.3), 10)
    assert (recipe.n_reference, recipe.reduction, recipe.steps, recipe.window_radius) == (1024, "sum", 200_000, 15)
    assert (recipe.momentum, recipe.nesterov, recipe.weight_decay) == (0.9, False, 4e-5)
    assert (recipe.bias_rate, recipe.clip, recipe.dropout, recipe.auxiliary) == (2.0, 5.0, 0.1, 0.0)
    options = {"fraction": recipe.fraction, "annealing_steps": recipe.annealing}
    counts = [hardest_pixels(step, recipe.crop**2, **options) for step in (0, 50_000, 100_000, 199_999)]
    assert counts == [216225, 124329, 32433, 32433]


@given(recipe=st.sampled_from(RECIPES), step=st.integers(0, 300_000))
def test_a_learning_rate_falls_after_its_warm_up_and_ends_where_it_should(recipe, step):
    now, later = (learning_rate(s, recipe) for s in (step, step + 1))
    assert recipe.last_rate * (1 - 1e-12) <= now * (recipe.warm_up + 1)
    assert now <= recipe.learning_rate * (1 + 1e-12)
    if step >= recipe.warm_up:
        assert later <= now
    assert learning_rate(recipe.steps, recipe) == recipe.last_rate


def test_a_warm_up_rises_in_equal_steps_to_the_schedule():
    recipe = TvosRecipe.released()._replace(warm_up=3, epoch=1, steps=1000)
    plain = recipe._replace(warm_up=0)
    shares = [learning_rate(s, recipe) / learning_rate(s, plain) for s in range(5)]
    assert_allclose(shares, [0.25, 0.5, 0.75, 1, 1], rtol=1e-12)


def test_nothing_of_the_released_recipes_is_our_own():
    assert (TvosRecipe.released(), FeelvosRecipe.released()) == (TvosRecipe(), FeelvosRecipe())
    for recipe in RECIPES:
        for field in ("decayed", "slower", "frozen", "adapting"):
            re.compile(getattr(recipe, field))


# ── which arrays ──


def matching(pattern, names):
    return {name for name in names if re.match(pattern, name)}


@pytest.mark.parametrize("name", [n for n in MODELS if n.startswith("feelvos")])
def test_feelvos_decays_the_kernels_that_are_not_depthwise_alone(name):  # specs FEELVOS §5.3
    names = [array.name for array in model(name).arrays]
    kernels = {n for n in names if n.endswith("/kernel")}
    decayed = matching(FeelvosRecipe.released().decayed, names)
    assert decayed == {n for n in kernels if len(next(a.shape for a in model(name).arrays if a.name == n)) == 4}
    assert kernels - decayed == {n for n in kernels if "depthwise" in n}


def test_tvos_decays_every_array_and_adapts_every_norm():  # specs TVOS §3
    names = [array.name for array in model("tvos-resnet50").arrays]
    recipe = TvosRecipe.released()
    assert matching(recipe.decayed, names) == matching(recipe.adapting, names) == set(names)
    assert matching(recipe.frozen, names) == matching(recipe.slower, names) == set()


def test_our_own_recipes_train_two_stages_of_the_trunk_without_norms_and_then_what_stands_on_it_alone():
    names = {recipe: [a.name for a in model(f"{recipe}-lite0").arrays] for recipe in ("tvos", "feelvos")}
    tvos = set(names["tvos"]) - matching(TvosRecipe.lite0().frozen, names["tvos"])
    kernels = {n for n in tvos if not n.endswith(("/mean", "/variance"))}
    assert all(n.endswith("/kernel") for n in kernels)
    assert {int(n.split("/")[1]) for n in kernels} == set(range(5, 11))  # blocks of stages 4 and 5
    feelvos = set(names["feelvos"]) - matching(FeelvosRecipe.lite0().frozen, names["feelvos"])
    assert {n.split("/")[0] for n in feelvos} == {"aspp", "decoder", "embedding", "head"}
    assert feelvos | set(names["tvos"]) == set(names["feelvos"])
    for method, recipe in (("tvos", TvosRecipe.lite0()), ("feelvos", FeelvosRecipe.lite0())):
        assert not matching(recipe.adapting, names[method])


# ── steps ──


def stepped(recipe, gradients, *, names=("a/kernel",), value=2.0):
    """Arrays of two numbers, after a step along each gradient in turn; the optimiser too."""
    network = Network({name: np.array([value, -value], np.float32) for name in names})
    optimiser = Optimiser(network, recipe)
    after = []
    for step, gradient in enumerate(gradients):
        for p in network.parameters():
            p.grad = torch.tensor(gradient)
        optimiser.step(step)
        assert all(p.grad is None for p in network.parameters())
        after.append(network.arrays())
    return after, optimiser


GRADIENTS = [[0.5, -1.0], [0.25, 0.75], [-2.0, 1.5]]


@pytest.mark.parametrize("nesterov", [True, False])
def test_momentum_is_that_of_the_release_by_hand(nesterov):
    """PyTorch's with Nesterov, w -= lr (g + m v); TensorFlow's without, w -= lr v; v = m v + g. 6 roundings a step."""
    recipe = TvosRecipe.released()._replace(nesterov=nesterov, epoch=1, steps=10, weight_decay=0.01)
    after, _ = stepped(recipe, GRADIENTS)
    w, v = np.array([2.0, -2.0]), np.zeros(2)
    for step, gradient in enumerate(GRADIENTS):
        g = np.array(gradient) + 0.01 * w
        v = 0.9 * v + g
        w = w - learning_rate(step, recipe) * (g + 0.9 * v if nesterov else v)
        assert_allclose(after[step]["a/kernel"], w, rtol=0, atol=20 * (step + 1) * SINGLE)


def test_bias_gradients_are_doubled_then_every_variable_is_clipped_by_itself():  # specs FEELVOS §5.4
    recipe = FeelvosRecipe.released()._replace(weight_decay=0.0)
    names = "head/logits/bias", "head/logits/kernel"
    (short,), _ = stepped(recipe, [[0.3, 0.4]], names=names)
    moved = {name: (np.array([2.0, -2.0]) - short[name]) / 0.0007 for name in names}
    assert_allclose(moved["head/logits/bias"], [0.6, 0.8], atol=1e-3)  # 2 of 2⁻²⁴ in 0.0007
    assert_allclose(moved["head/logits/kernel"], [0.3, 0.4], atol=1e-3)
    (long,), _ = stepped(recipe, [[3.0, 4.0]], names=names)
    moved = {name: (np.array([2.0, -2.0]) - long[name]) / 0.0007 for name in names}
    assert_allclose(moved["head/logits/bias"], [3.0, 4.0], atol=1e-3)  # of length 10, brought to 5
    assert_allclose(moved["head/logits/kernel"], [3.0, 4.0], atol=1e-3)


def test_the_released_decay_is_part_of_the_gradient_that_is_clipped():  # specs FEELVOS §5.3: a loss like the other
    recipe = FeelvosRecipe.released()._replace(weight_decay=1.0, clip=1.0)
    (after,), _ = stepped(recipe, [[0.0, 0.0]], value=30.0)
    assert_allclose((np.array([30.0, -30.0]) - after["a/kernel"]) / 0.0007, np.array([1, -1]) / math.sqrt(2), atol=5e-3)
    (after,), _ = stepped(recipe, [[0.0, 0.0]], names=("b/depthwise/kernel",), value=30.0)
    assert after["b/depthwise/kernel"].tolist() == [30, -30]


def test_our_decay_is_adamws_beside_the_gradient_and_clipping_does_not_see_it():
    recipe = FeelvosRecipe.lite0()._replace(weight_decay=0.5, warm_up=0, learning_rate=0.01)
    (after,), _ = stepped(recipe, [[1e-3, 1.0]])
    expected = np.array([2.0, -2.0]) * (1 - 0.01 * 0.5) - 0.01  # Adam's first step is the gradient's sign
    assert_allclose(after["a/kernel"], expected, atol=1e-6)


@pytest.mark.parametrize("optimiser", ["sgd", "adamw"])
def test_slower_layers_learn_at_their_share_of_the_rate(optimiser):
    recipe = TvosRecipe.released()._replace(optimiser=optimiser, slower=r"stem/", slower_rate=0.25, weight_decay=0.0)
    (after,), found = stepped(recipe, [[1.0, -1.0]], names=("stem/kernel", "a/kernel"))
    moved = {name: 2.0 - float(array[0]) for name, array in after.items()}
    assert_allclose(moved["stem/kernel"], moved["a/kernel"] / 4, rtol=1e-4)
    assert found.rate == 0.02


def test_a_running_mean_follows_the_weights_and_is_what_is_exported():
    """While there are few steps, its decay is (n + 1) / (n + 10), not the recipe's."""
    recipe = TvosRecipe.released()._replace(average=0.5)
    after, optimiser = stepped(recipe, GRADIENTS)
    mean = np.array([2.0, -2.0])
    for step, arrays in enumerate(after):
        decay = min(0.5, (step + 1) / (step + 10))
        mean = decay * mean + (1 - decay) * arrays["a/kernel"]
    assert_allclose(optimiser.exported()["a/kernel"].numpy(), mean, rtol=0, atol=20 * SINGLE)
    after, optimiser = stepped(recipe._replace(average=0.0), GRADIENTS)
    assert optimiser.exported()["a/kernel"].tolist() == after[-1]["a/kernel"].tolist()


def test_what_is_frozen_stays_and_what_gets_no_gradient_too():
    weights = thin("tvos-lite0")
    network = Network(weights, frozen=r"stem/")
    optimiser = Optimiser(network, TvosRecipe.released())
    assert not [name for name in optimiser.named if name.startswith("stem/")]
    network.weights["blocks/0/project/kernel"].grad = torch.ones_like(network.weights["blocks/0/project/kernel"])
    optimiser.step(0)
    changed = {name for name, array in network.arrays().items() if not np.array_equal(array, weights[name])}
    assert changed == {"blocks/0/project/kernel"}

"""The training loop: resumed to the byte, seeded, its samples never the same, its gradients added up, its log exact."""

import json
import os

import numpy as np
import pytest
from moving_squares import Squares
from recorder import thin

torch = pytest.importorskip("torch", reason="torch is not installed: training is not tested")

from vosref.train import layers, training  # noqa: E402 - they need torch
from vosref.train.checkpoints import read_checkpoint  # noqa: E402
from vosref.train.network import Network  # noqa: E402
from vosref.train.optimisers import Optimiser  # noqa: E402
from vosref.train.recipes import FeelvosRecipe, TvosRecipe  # noqa: E402
from vosref.train.training import CHECKPOINT, LOG, draw, train  # noqa: E402

CROPS = {"crop": 32, "batch": 2, "steps": 4}
RECIPES = {
    "tvos released": TvosRecipe.released()._replace(**CROPS, n_frames=3, learning_rate=1e-3),
    "tvos lite0": TvosRecipe.lite0()._replace(**CROPS, n_frames=3, working_scale=1.0, warm_up=1),
    "feelvos released": FeelvosRecipe.released()._replace(**CROPS, window_radius=3, learning_rate=1e-4),
    "feelvos lite0": FeelvosRecipe.lite0()._replace(**CROPS, window_radius=3, annealing=3, warm_up=1),
}
ALL = pytest.mark.parametrize("recipe", RECIPES.values(), ids=RECIPES)
TVOS, FEELVOS = RECIPES["tvos lite0"], RECIPES["feelvos lite0"]


@pytest.fixture(autouse=True)
def compiled(monkeypatch):
    """Where Numba is interpreted, depthwise gradients are torch's own, which takes seconds instead of minutes."""
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":

        def torchs(x, kernel, bias, *sampling):
            return torch.nn.functional.conv2d(x, kernel, bias, *sampling, x.shape[1])

        monkeypatch.setattr(layers, "depthwise_conv2d", torchs)


@pytest.fixture(autouse=True)
def one_thread():
    """Tensors of a few numbers are not worth a second thread, which waits for the first by keeping a core busy."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def new_network(recipe):
    weights = thin("tvos-lite0" if isinstance(recipe, TvosRecipe) else "feelvos-lite0")
    return Network(
        weights,
        frozen=recipe.frozen,
        adapting=recipe.adapting,
        momentum=recipe.norm_momentum,
        brief=recipe.brief,
    )


def trained(recipe, out, source=None, **options):
    """Train a new network, or go on; return all that is left of it."""
    network = new_network(recipe)
    optimiser = train(network, source or Squares(), recipe, out, **options)
    return {**network.arrays(), **{f"mean/{name}": t.numpy() for name, t in optimiser.mean.items()}}


def told(out):
    """The log without the time that it took."""
    lines = [json.loads(line) for line in (out / LOG).read_text().splitlines()]
    return [{key: value for key, value in line.items() if key != "seconds"} for line in lines]


def same(a, b):
    return a.keys() == b.keys() and all(a[name].tobytes() == b[name].tobytes() for name in a)


# ── resume ──


@ALL
def test_a_run_that_was_stopped_and_resumed_is_the_run_that_was_not(recipe, tmp_path):
    whole = trained(recipe, tmp_path / "whole")
    trained(recipe, tmp_path / "parts", until=2)
    assert [line["step"] for line in told(tmp_path / "parts")] == [1, 2]
    parts = trained(recipe, tmp_path / "parts", resume=True)
    assert same(whole, parts)
    assert any(name.startswith("mean/") for name in whole) == (recipe.average > 0)
    assert told(tmp_path / "parts") == told(tmp_path / "whole")
    assert [line["step"] for line in told(tmp_path / "whole")] == [1, 2, 3, 4]
    assert not same(whole, new_network(recipe).arrays())


def test_a_run_whose_time_is_over_stops_after_a_step_and_goes_on(tmp_path):
    whole = trained(TVOS, tmp_path / "whole")
    for _ in range(4):
        parts = trained(TVOS, tmp_path / "parts", seconds=0.0, resume=True)
    assert same(whole, parts)
    assert told(tmp_path / "parts") == told(tmp_path / "whole")


def test_a_run_that_is_over_is_left_as_it_is(tmp_path):
    whole = trained(TVOS, tmp_path)
    before = (tmp_path / CHECKPOINT).read_bytes(), (tmp_path / LOG).read_bytes()
    assert same(trained(TVOS, tmp_path, resume=True), whole)
    assert ((tmp_path / CHECKPOINT).read_bytes(), (tmp_path / LOG).read_bytes()) == before


def test_lines_that_a_broken_run_logged_after_its_checkpoint_are_not_doubled(tmp_path):
    whole = trained(TVOS, tmp_path / "whole")

    def break_off(progress):
        if progress.step == 3:
            raise RuntimeError("the power is out")

    trained(TVOS, tmp_path / "parts", until=1)
    with pytest.raises(RuntimeError, match="the power is out"):
        trained(TVOS, tmp_path / "parts", resume=True, report=break_off)
    assert [line["step"] for line in told(tmp_path / "parts")] == [1, 2, 3]
    assert same(trained(TVOS, tmp_path / "parts", resume=True), whole)
    assert told(tmp_path / "parts") == told(tmp_path / "whole")


def test_the_time_of_all_sittings_is_added_up(tmp_path):
    trained(TVOS, tmp_path, until=2)
    trained(TVOS, tmp_path, resume=True)
    seconds = [json.loads(line)["seconds"] for line in (tmp_path / LOG).read_text().splitlines()]
    assert seconds == sorted(seconds)
    assert seconds[0] > 0


@pytest.mark.parametrize(
    ("change", "seed", "message"),
    [
        ({"crop": 48}, 0, r"crop is 32 there and 48 here; give another folder, or the same settings"),
        ({"learning_rate": 0.5}, 0, r"learning_rate is 0\.0003 there and 0\.5 here"),
        ({}, 7, r"seed is 0 there and 7 here"),
        (
            {"crop": 48, "flips": (0.5, 0.5)},
            7,
            r"crop is .*; flips is \(0\.0, 0\.5\) there and \(0\.5, 0\.5\) here; seed",
        ),
    ],
)
def test_a_run_of_another_recipe_or_seed_is_not_taken_up_and_what_differs_is_named(change, seed, message, tmp_path):
    trained(TVOS, tmp_path, until=1)
    before = (tmp_path / CHECKPOINT).read_bytes(), told(tmp_path)
    with pytest.raises(ValueError, match=rf"{CHECKPOINT} is of another run: .*{message}"):
        trained(TVOS._replace(**change), tmp_path, seed=seed, resume=True)
    assert ((tmp_path / CHECKPOINT).read_bytes(), told(tmp_path)) == before


def test_a_run_of_the_other_method_is_not_taken_up(tmp_path):
    trained(TVOS, tmp_path, until=1)
    with pytest.raises(ValueError, match=r"method is TvosRecipe there and FeelvosRecipe here"):
        trained(FEELVOS, tmp_path, resume=True)


def test_a_checkpoint_holds_what_it_takes_and_the_time(tmp_path):
    arrays = trained(TVOS, tmp_path, until=3)
    network = new_network(TVOS)
    optimiser = Optimiser(network, TVOS)
    steps, seconds = read_checkpoint(tmp_path / CHECKPOINT, network, optimiser, TVOS, 0)
    assert steps == 3
    assert seconds > 0
    assert same(network.arrays(), {name: a for name, a in arrays.items() if not name.startswith("mean/")})


# ── seeds ──


@pytest.mark.parametrize("recipe", [TVOS, FEELVOS], ids=["tvos", "feelvos"])
def test_one_seed_gives_the_same_bytes_whatever_the_workers_and_another_seed_others(recipe, tmp_path):
    first = trained(recipe, tmp_path / "a", seed=3, workers=1, until=2)
    assert same(first, trained(recipe, tmp_path / "b", seed=3, workers=3, until=2))
    assert not same(first, trained(recipe, tmp_path / "c", seed=4, until=2))


@pytest.mark.parametrize("recipe", [TVOS, FEELVOS], ids=["tvos", "feelvos"])
def test_no_two_steps_and_no_two_samples_of_a_step_are_the_same(recipe):  # the release repeats every epoch's shuffle
    samples = [s.frames.tobytes() for step in range(12) for s in draw(Squares(), recipe, 0, step)]
    assert len(set(samples)) == len(samples) == 24
    assert samples[:2] == [s.frames.tobytes() for s in draw(Squares(), recipe, 0, 0)]


def test_dropout_depends_on_the_step_alone(tmp_path):
    recipe = FEELVOS._replace(dropout=0.5)
    whole = trained(recipe, tmp_path / "a", until=2)
    torch.manual_seed(99)
    assert same(whole, trained(recipe, tmp_path / "b", until=2))
    assert not same(whole, trained(recipe._replace(dropout=0.0), tmp_path / "c", until=2))


# ── steps ──


def gradients(recipe, at_once):
    """The gradients of the first step, before anything is done to them."""
    recipe, found = recipe._replace(batch=4, at_once=at_once), {}
    network = new_network(recipe)
    optimiser = Optimiser(network, recipe)

    def keep(_step):
        found.update({name: p.grad.clone() for name, p in optimiser.named.items() if p.grad is not None})

    optimiser.step = keep
    network.train()
    loss = training._step(network, optimiser, draw(Squares(), recipe, 0, 0), 0, recipe, 0)
    return loss, found


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("recipe", [TVOS, FEELVOS], ids=["tvos", "feelvos"])
def test_gradients_add_up_to_the_batchs_however_many_samples_run_together(recipe, reduction):
    """Without norms that adapt; sums of float32 in another order, and matched pairs that are nearly as near."""
    recipe = recipe._replace(adapting=r"(?!)", brief=False, reduction=reduction)
    recipe = recipe._replace(dropout=0.0) if recipe is not TVOS and isinstance(recipe, FeelvosRecipe) else recipe
    (loss, whole), *others = (gradients(recipe, n) for n in (4, 2, 1, 3))
    for other_loss, parts in others:
        assert other_loss == pytest.approx(loss, rel=1e-5)
        assert parts.keys() == whole.keys()
        for name, gradient in whole.items():
            size = float(gradient.norm())
            assert float((parts[name] - gradient).norm()) <= 1e-3 * size + 1e-6, name


def test_a_sum_over_the_samples_is_so_many_times_their_mean():
    recipe = TVOS._replace(brief=False)
    (loss, mean), (same_loss, total) = (gradients(recipe._replace(reduction=r), 1) for r in ("mean", "sum"))
    assert loss == same_loss
    for name, gradient in mean.items():
        assert torch.allclose(total[name], 4 * gradient, rtol=1e-5, atol=1e-6 * float(gradient.abs().max()))


def test_a_loss_that_is_not_a_number_stops_the_run_and_the_last_checkpoint_stays(tmp_path):
    good = trained(TVOS, tmp_path / "good", until=2)
    trained(TVOS, tmp_path / "bad", until=2)
    before = (tmp_path / "bad" / CHECKPOINT).read_bytes()
    network = new_network(TVOS)
    original = training.METHODS[TvosRecipe].loss
    with pytest.MonkeyPatch.context() as patch:

        def not_a_number(network, samples, step, recipe):
            return [loss * (float("nan") if step == 2 else 1.0) for loss in original(network, samples, step, recipe)]

        patch.setattr(training.METHODS[TvosRecipe], "loss", not_a_number)
        message = r"^the loss of step 3 is \[nan, nan\]; a smaller learning_rate may keep it finite$"
        with pytest.raises(FloatingPointError, match=message):
            train(network, Squares(), TVOS, tmp_path / "bad", resume=True)
    assert (tmp_path / "bad" / CHECKPOINT).read_bytes() == before
    assert [line["step"] for line in told(tmp_path / "bad")] == [1, 2]
    assert same(trained(TVOS, tmp_path / "good", resume=True), trained(TVOS, tmp_path / "bad", resume=True))
    assert not same(good, network.arrays())


def test_a_mistake_of_the_source_is_the_runs(tmp_path):
    class Empty(Squares):
        def draw(self, rng, times, /, *, at_least):
            raise ValueError("no clip left")

    with pytest.raises(ValueError, match="^no clip left$"):
        trained(TVOS, tmp_path, Empty(), workers=2)


@pytest.mark.parametrize("recipe", [TVOS, FEELVOS], ids=["tvos", "feelvos"])
def test_training_lowers_the_loss(recipe, tmp_path):
    recipe = (
        recipe._replace(steps=24, learning_rate=1e-2, frozen=r"(?!)", annealing=10**6)
        if recipe is FEELVOS
        else (recipe._replace(steps=24, learning_rate=5e-3, frozen=r"(?!)", temperature=10.0))
    )
    trained(recipe, tmp_path, Squares(n_videos=1))
    losses = [line["loss"] for line in told(tmp_path)]
    assert np.mean(losses[-6:]) < 0.9 * np.mean(losses[:6])

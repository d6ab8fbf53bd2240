"""Loss plots: their colours, their bytes, the running mean, and the logs that are hard to draw."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from vosref.plots import object_colours, plot_losses
from vosref.plots.losses import running_mean


def rows(n, seed=0, rate=0.02):
    losses = np.random.default_rng(seed).uniform(0.1, 1, n)
    return [{"step": t + 1, "loss": loss, "rate": rate * (1 - t / n), "seconds": t} for t, loss in enumerate(losses)]


def colours_in(path):
    with Image.open(path) as image:
        return {colour for _, colour in image.convert("RGB").getcolors(1 << 24)}, image.size, dict(image.info)


@pytest.mark.parametrize("log_y", [False, True])
def test_every_run_has_a_colour_of_its_own_whatever_its_length(tmp_path, log_y):
    logs = {"one": rows(40), "two": rows(1, seed=1), "three": rows(5000, seed=2)}
    plot_losses(tmp_path / "losses.png", logs, title="made up", log_y=log_y)
    colours, size, info = colours_in(tmp_path / "losses.png")
    assert size == (1350, 825)
    assert "Software" not in info
    assert {tuple(c) for c in object_colours([6, 5, 3]).tolist()} <= colours
    assert tuple(object_colours(4).tolist()) not in colours


def test_the_same_logs_give_the_same_bytes(tmp_path):
    paths = [tmp_path / f"{n}.png" for n in range(2)]
    for path in paths:
        plot_losses(path, {"run": rows(60)})
    assert paths[0].read_bytes() == paths[1].read_bytes()


def test_one_wild_step_does_not_press_the_others_flat(tmp_path):
    wild = rows(300)
    wild[150]["loss"] = 1e6
    plot_losses(tmp_path / "wild.png", {"run": wild})
    with Image.open(tmp_path / "wild.png") as image:
        faint = np.asarray(image.convert("RGB"))[60:500, 150:1300]  # of the loss, which would lie on the axis
    assert np.any(faint != 255, axis=2).any(axis=1).mean() > 0.5


@given(values=st.lists(st.floats(0, 10), min_size=1, max_size=30), window=st.integers(1, 40))
def test_the_running_mean_is_the_mean_of_the_values_up_to_each(values, window):
    means = running_mean(np.array(values), window)
    direct = [np.mean(values[max(0, t - window + 1) : t + 1]) for t in range(len(values))]
    # Each sum of up to 30 numbers of up to 10 rounds by no more than 30 · 300 · 2^-53, and a mean subtracts two.
    np.testing.assert_allclose(means, direct, rtol=0, atol=2 * 30 * 300 * 2**-53)


@pytest.mark.parametrize(
    ("logs", "message"),
    [
        ({}, "logs must hold at least one run, got none"),
        ({"a": rows(3), "b": []}, "logs must hold a row at least of each run, got none of b"),
    ],
)
def test_logs_that_cannot_be_drawn_are_refused(tmp_path, logs, message):
    with pytest.raises(ValueError, match=message):
        plot_losses(tmp_path / "a.png", logs)
    with pytest.raises(ValueError, match=r"path must end in \.png, got 'a\.pdf'"):
        plot_losses(tmp_path / "a.pdf", {"a": rows(3)})
    assert not list(tmp_path.iterdir())

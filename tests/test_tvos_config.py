"""TVOS's configurations: the columns of Table 2 and what is varied beside them, by name."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from vosref import tvos
from vosref.sampling import reference_frames
from vosref.tvos_config import ABLATIONS, CONFIGS, EXPLAINED, TvosConfig
from vosref.video import configure

TABLE_2 = ("1 frame", "3 frames", "9 frames", "uniform", "sparse", "sparse + motion")


def run(config, n_frames):
    """Run on a grid of 2 × 3 random embeddings; return what the last step was made from."""
    rng = np.random.default_rng(1)
    state = tvos.init(rng.standard_normal((2, 3, 4)), np.eye(2)[[0, 0, 1, 1, 0, 1]], config)
    for _ in range(n_frames):
        state, votes, info = tvos.step(state, rng.standard_normal((2, 3, 4)), config)
    return votes, info


def test_every_ablation_has_a_configuration_of_its_name():
    names = {name.removeprefix("ablation-") for name in CONFIGS if name.startswith("ablation-")}
    spelled = {
        name.replace(" + ", "-").replace(", ", "-").replace("paper's S", "paper-s").replace(" ", "-")
        for name in ABLATIONS
    }
    assert names == spelled
    made = {configure("tvos", f"ablation-{name}") for name in names}
    assert made == {TvosConfig.ablation(name) for name in ABLATIONS}
    assert len(made) == len(ABLATIONS)


def test_the_last_column_of_table_2_is_the_released_code():
    assert TvosConfig.ablation("sparse + motion") == TvosConfig.released()


@pytest.mark.parametrize("name", ABLATIONS)
def test_an_ablation_is_otherwise_the_released_configuration_and_every_value_is_explained(name):
    config, released = TvosConfig.ablation(name), TvosConfig.released()
    differ = {field for field in config._fields if getattr(config, field) != getattr(released, field)}
    assert differ == set(ABLATIONS[name])
    for field in differ - {"n_recent", "n_sparse"}:
        assert EXPLAINED[field, getattr(config, field)]


@pytest.mark.parametrize(
    ("name", "frames"),
    [
        ("1 frame", (59,)),
        ("3 frames", (57, 58, 59)),
        ("9 frames", tuple(range(51, 60))),
        ("uniform", (20, 24, 29, 34, 39, 44, 49, 54, 59)),
        ("sparse", reference_frames(60, rule="released")),
        ("sparse + motion", (16, 24, 32, 40, 48, 56, 57, 58, 59)),
    ],
)
def test_a_column_of_table_2_looks_at_its_frames_with_one_sigma_or_with_the_prior(name, frames):
    _, info = run(TvosConfig.ablation(name), 60)
    assert info.frames == frames
    assert info.sigma == ((21.0,) * 5 + (8.0,) * 4 if name == "sparse + motion" else (8.0,) * len(frames))


def test_early_frames_look_at_all_of_the_past_in_every_column():
    for name in TABLE_2[2:]:
        assert run(TvosConfig.ablation(name), 9)[1].frames == tuple(range(9))


def test_what_is_fed_back_and_how_labels_propagate_are_varied_apart():
    votes = {
        name: run(TvosConfig.ablation(name), 3)[0] for name in ("soft labels", "paper's S", "paper's S, soft labels")
    }
    hard = run(TvosConfig.released(), 3)[0]
    arrays = [hard, *votes.values()]
    assert all(not np.array_equal(a, b) for i, a in enumerate(arrays) for b in arrays[:i])
    both = TvosConfig.released()._replace(propagation="paper", feedback="soft")
    assert_array_equal(run(both, 3)[0], votes["paper's S, soft labels"])


def test_an_unknown_ablation_is_refused_by_name():
    with pytest.raises(ValueError, match="^name must be one of 1 frame, 3 frames, .*, got '2 frames'$"):
        TvosConfig.ablation("2 frames")

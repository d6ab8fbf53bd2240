"""FEELVOS's configurations: what they switch, how they are named and explained, and what is refused."""

import numpy as np
import pytest
import thin_weights
from clips import thin, thin_feelvos
from hypothesis import given
from strategies import SEEDS

from vosref import feelvos
from vosref.feelvos import CONFIGS, EXPLAINED, NOTES, FeelvosConfig, FeelvosView, init, step
from vosref.feelvos_config import CUES
from vosref.video import configure, differences

TABLE = {  # line of Table 6: FF-GM, previous frame, PFP, feedback; specs FEELVOS §6 and §4
    1: (True, "local", True, "hard"),
    2: (True, "global", True, "hard"),
    3: (True, "none", True, "soft"),
    4: (True, "none", False, "hard"),
    5: (True, "local", False, "hard"),
    6: (False, "local", True, "hard"),
}
ONES = np.ones((2, 3, 1))
LABELS = np.eye(2)[[0, 0, 1, 1, 0, 1]]


def run(config, head=lambda cues: cues[:, :, :, 0]):
    view = FeelvosView(ONES, (8, 12), head)
    return step(init(view, LABELS, config), view, config)


def test_paper_and_released_differ_in_exactly_what_is_fed_back_and_where_labels_are_decided():
    rows = differences("feelvos")
    assert [(row.field, row.values) for row in rows] == [
        ("feedback", ("soft", "hard")),
        ("previous_labels", ("grid", "full")),
    ]
    assert all(len(row.meanings) == 2 and all(row.meanings) for row in rows)
    assert set(EXPLAINED) == {(row.field, value) for row in rows for value in row.values}
    assert (FeelvosConfig.paper(), FeelvosConfig.released()) == (configure("feelvos", "paper"), configure("feelvos"))
    assert FeelvosConfig.released() == FeelvosConfig()


def test_notes_are_of_settings_or_of_what_has_none():
    named = {name for key in NOTES for name in key.split(", ")}
    assert named - set(FeelvosConfig._fields) == {"objects", "distances"}
    assert all(NOTES.values())
    assert not named & {field for field, _ in EXPLAINED}


def test_the_configurations_have_these_names():
    ablations = {f"ablation-{line}" for line in range(1, 7)}
    assert CONFIGS.keys() == {"released", "paper", "nearest", "nearest-global", "nearest-local"} | ablations


@pytest.mark.parametrize("line", TABLE)
def test_an_ablation_is_its_line_of_the_table_and_otherwise_the_released_code(line):
    config = configure("feelvos", f"ablation-{line}")
    assert config == FeelvosConfig.ablation(line)
    fields = ("first_frame", "previous_frame", "previous_mask", "feedback")
    assert tuple(getattr(config, field) for field in fields) == TABLE[line]
    released = FeelvosConfig.released()
    assert config._replace(**{field: getattr(released, field) for field in fields}) == released
    assert configure("feelvos", f"ablation-{line}", window_radius="7") == config._replace(window_radius=7)


@pytest.mark.parametrize(
    ("name", "first_frame", "previous_frame"),
    [("nearest", True, "local"), ("nearest-global", True, "none"), ("nearest-local", False, "local")],
)
def test_nearest_decides_by_the_matchings_that_its_name_says(name, first_frame, previous_frame):
    config = configure("feelvos", name)
    assert (config.decision, config.weights) == ("nearest", "feelvos-lite0")
    assert (config.first_frame, config.previous_frame) == (first_frame, previous_frame)
    assert config == FeelvosConfig.nearest(name.removeprefix("nearest-") if "-" in name else "both")


def test_names_that_are_none_are_refused():
    for line in (0, 7):
        with pytest.raises(ValueError, match=f"^line must be 1 to 6, got {line}$"):
            FeelvosConfig.ablation(line)
    with pytest.raises(ValueError, match='^matching must be "both", "global" or "local", got \'x\'$'):
        FeelvosConfig.nearest("x")
    with pytest.raises(
        ValueError, match="^config must be one of released, .*ablation-6 for feelvos, got 'ablation-7'$"
    ):
        configure("feelvos", "ablation-7")


@pytest.mark.parametrize(
    ("field", "known"),
    [
        ("feedback", "hard, soft"),
        ("previous_labels", "full, grid"),
        ("previous_frame", "local, global, none"),
        ("decision", "head, nearest"),
    ],
)
def test_an_unknown_choice_is_refused_by_name(field, known):
    with pytest.raises(ValueError, match=f"^{field} must be one of {known}, got 'guess'$"):
        run(FeelvosConfig.released()._replace(**{field: "guess"}))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"memory": 0}, "memory must be positive, got 0"),
        ({"working_scale": 0}, "working_scale must be positive, got 0"),
        ({"window_radius": -1}, "window_radius must be 0 or more pixels, got -1"),
        ({"n_neighbours": 0}, "n_neighbours must be 1 or more, got 0"),
        (
            {"first_frame": False, "previous_frame": "none"},
            "first_frame and previous_frame must not both be off: nothing would be matched",
        ),
    ],
)
def test_settings_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        run(FeelvosConfig.released()._replace(**change))


def test_a_head_that_is_not_there_cannot_decide():
    with pytest.raises(ValueError, match='^decision must be "nearest" for weights without a head, got "head"$'):
        run(FeelvosConfig.released(), head=None)


@pytest.mark.parametrize("name", ["released", "paper", "nearest", "ablation-2"])
def test_the_weights_that_come_with_vosref_run_where_no_others_are_named(name):
    assert configure("feelvos", name).weights == "feelvos-lite0"
    assert "embedding/pointwise/kernel" in feelvos.prepare(configure("feelvos", name))


def test_weights_without_embedding_and_head_are_refused(monkeypatch):
    message = r"^weights must have FEELVOS's embedding and head, got 'lite0', which has not$"
    with pytest.raises(ValueError, match=message):
        feelvos.prepare(configure("feelvos", weights="lite0"))
    weights = thin_feelvos(monkeypatch)
    for part in ("embedding/", "head/"):
        some = {name: a for name, a in weights.items() if not name.startswith(part)}
        monkeypatch.setattr(feelvos, "load", {"thin.safetensors": some}.__getitem__)
        with pytest.raises(ValueError, match=message.replace("lite0", "thin.safetensors")):
            feelvos.prepare(thin())
    monkeypatch.setattr(
        feelvos, "load", {"thin.safetensors": thin_weights.xception() | thin_weights.deeplab()}.__getitem__
    )
    with pytest.raises(ValueError, match=message.replace("lite0", "thin.safetensors")):
        feelvos.prepare(configure("feelvos", "nearest", weights="thin.safetensors"))


def test_an_unknown_order_of_channels_is_refused(monkeypatch):
    thin_feelvos(monkeypatch)
    with pytest.raises(ValueError, match="^input_order must be one of released, paper, got 'guess'$"):
        feelvos.prepare(thin(input_order="guess"))


def test_nearest_runs_on_feelvos_own_embedding_whatever_its_head_takes(monkeypatch, definitions):
    thin_feelvos(monkeypatch, n_cues=1)
    config = configure("feelvos", "nearest", weights="thin.safetensors")
    frame = np.random.default_rng(0).integers(0, 256, (24, 32, 3)).astype(np.uint8)
    view = feelvos.embedding(feelvos.prepare(config), frame, config)
    state = init(view, np.eye(2, dtype=np.float32)[np.arange(48) % 2], config)
    assert step(state, view, config)[1].shape == (48, 2)


@pytest.mark.parametrize("line", [1, 2, 3, 4, 5, 6])
def test_a_head_for_all_cues_is_told_of_nothing_where_one_is_missing(line):
    seen = []

    def head(cues):
        seen.append(cues)
        return cues[:, :, :, 0]

    config = FeelvosConfig.ablation(line)._replace(missing_cues="neutral")
    _, _, info = run(config, head)
    (cues,) = seen
    expected = {"global": info.global_distance, "previous": info.previous, "local": info.local_distance}
    neutral = {"global": np.ones_like(LABELS), "previous": np.zeros_like(LABELS), "local": np.ones_like(LABELS)}
    for channel, name in enumerate(CUES):
        told = expected[name] if name in config.cues else neutral[name]
        np.testing.assert_array_equal(cues[:, :, :, channel].reshape(6, 2), told)
    assert config.taken == CUES
    assert FeelvosConfig.ablation(line).taken == FeelvosConfig.ablation(line).cues


@given(seed=SEEDS)
def test_with_no_cue_missing_a_neutral_head_is_the_head(seed):
    rng = np.random.default_rng(seed)
    scale = rng.standard_normal((1, 1, 1, 3))
    configs = (FeelvosConfig.released()._replace(missing_cues=name) for name in ("refuse", "neutral"))
    refused, neutral = (run(config, lambda cues: (cues * scale).sum(3))[1] for config in configs)
    np.testing.assert_array_equal(refused, neutral)


def test_what_is_done_about_missing_cues_is_refused_by_name_if_unknown():
    with pytest.raises(ValueError, match="^missing_cues must be one of refuse, neutral, got 'guess'$"):
        run(FeelvosConfig.released()._replace(missing_cues="guess"))


def test_a_head_of_too_few_channels_is_refused_where_all_cues_are_given(monkeypatch):
    thin_feelvos(monkeypatch, n_cues=2)
    features = thin_weights.heads()["embedding/depthwise/kernel"].shape[2]
    message = rf"weights must have a head of {features + 3} channels for the features and global, previous, local, got"
    with pytest.raises(ValueError, match=message):
        feelvos.prepare(thin("ablation-5", missing_cues="neutral"))
    assert "head/0/depthwise/kernel" in feelvos.prepare(thin("ablation-5"))

"""What a step sees of its clips, by both papers, and its loss from end to end against the array definitions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moving_squares import Squares, marked
from numpy.testing import assert_allclose, assert_array_equal
from recorder import thin
from strategies import SEEDS, masks

from vosref import labels, losses, matching, propagation
from vosref.io import InputError
from vosref.nn import deeplab, heads, transfer

torch = pytest.importorskip("torch", reason="torch is not installed: training is not tested")

from vosref.train import feelvos, tvos  # noqa: E402 - they need torch
from vosref.train.damage import damaged  # noqa: E402
from vosref.train.network import Network  # noqa: E402
from vosref.train.recipes import FeelvosRecipe, TvosRecipe  # noqa: E402

pytestmark = pytest.mark.usefixtures("definitions")

TVOS = TvosRecipe.released()._replace(crop=32, n_frames=3)
FEELVOS = FeelvosRecipe.released()._replace(crop=40, scales=(1.0, 1.0), n_reference=7, window_radius=2, dropout=0.0)
CLOSE = {"rtol": 2e-3, "atol": 2e-3}  # a whole float32 network, and exponentials of 40 times its embeddings


def shown(sample):
    """Which frames a sample of `marked` ones shows, in its order; padding is grey."""
    return [int(image[0, 0, 0]) for image in sample.frames]


def drawn(method, recipe, source, n, seed=0):
    return [method.draw_sample(source, np.random.default_rng([seed, i]), recipe) for i in range(n)]


# ── TVOS ──


def test_each_full_snippet_of_a_video_is_equally_likely():  # the release draws the last ten times as often
    source, n = Squares(n_videos=1, n_frames=8, frame_of=marked), 1200
    starts = np.bincount([shown(s)[0] for s in drawn(tvos, TVOS, source, n)], minlength=6)
    assert len(starts) == 6
    assert np.all(np.abs(starts - n / 6) < 5 * np.sqrt(n * (1 / 6) * (5 / 6)))  # five deviations


@given(seed=SEEDS, apart=st.integers(1, 5), n_frames=st.integers(2, 5), length=st.integers(5, 12))
def test_frames_of_a_snippet_are_equally_far_apart_in_order_and_inside(seed, apart, n_frames, length):
    recipe = TVOS._replace(most_apart=apart, n_frames=n_frames, crop=8)
    (sample,) = drawn(tvos, recipe, Squares(n_frames=length, frame_of=marked), 1, seed)
    seen = shown(sample)
    assert len(set(np.diff(seen))) == 1
    assert 1 <= seen[1] - seen[0] <= apart
    assert 0 <= seen[0] <= seen[-1] < length
    assert sample.frames.shape == (n_frames, 8, 8, 3)


def test_all_frames_of_a_snippet_share_the_view_and_it_changes_from_snippet_to_snippet():
    samples = drawn(tvos, TVOS, Squares(frame_of=marked), 40)
    for sample in samples:
        assert all(np.array_equal(image[:, :, 1:], sample.frames[0, :, :, 1:]) for image in sample.frames)
        assert all(np.array_equal(mask, sample.masks[0]) for mask in sample.masks)
    turned = {tuple(np.sign(s.frames[0, -1, -1, 1:] - s.frames[0, 0, 0, 1:])) for s in samples}
    assert len(turned) == 4  # upside down or not, left and right exchanged or not
    assert len({s.frames[0, 0, 0, 1:].tobytes() for s in samples}) > 20


def test_a_view_without_enough_of_an_object_is_drawn_again_but_not_for_ever():
    def corner(_video, t):
        mask = np.zeros((100, 100), np.uint8)
        mask[:40, :40] = 1
        return np.zeros((100, 100, 3), np.uint8), mask

    recipe = TVOS._replace(crop=40, least_object=0.05)
    shares = [np.mean(s.masks[0] > 0) for s in drawn(tvos, recipe, Squares(frame_of=corner), 60)]
    assert np.mean(np.array(shares) >= 0.05) > 0.9
    plain = [np.mean(s.masks[0] > 0) for s in drawn(tvos, TVOS._replace(crop=40), Squares(frame_of=corner), 60)]
    assert np.mean(np.array(plain) >= 0.05) < 0.5
    impossible = recipe._replace(least_object=1.0)
    assert drawn(tvos, impossible, Squares(frame_of=corner), 1)[0].masks.shape == (3, 40, 40)


@given(mask=masks(max_side=4, ids=(0, 1, 5, 255)), grid=st.sampled_from([(1, 1), (2, 1), (4, 3)]))
def test_tvos_labels_are_the_hardened_labels_of_the_definition(mask, grid):
    """Cells of 8 x 8 pixels: their middle four, a mean that is exact, so that ties are ties on both sides."""
    mask = np.kron(mask, np.ones((2, 2), np.uint8))
    mask = np.resize(mask, (8 * grid[0], 8 * grid[1]))
    ids = [k for k in (0, 1, 5) if (mask == k).any()]
    if not ids:
        return
    got = tvos._labels(torch.from_numpy(mask)[None], grid)[0].numpy()
    soft = labels.to_grid(mask, ids=ids, grid=grid)
    assert_array_equal(got, labels.harden(soft) * (soft.max(axis=1, keepdims=True) > 0))


@pytest.mark.parametrize("released", [True, False])
def test_tvos_loss_is_the_definitions_from_the_frames_on(released):
    recipe = TvosRecipe.released() if released else TvosRecipe.lite0()
    recipe = recipe._replace(n_frames=3, crop=48, scales=(1.0, 1.0), brief=False)
    name = "tvos-resnet18" if released else "tvos-lite0"
    weights, samples = thin(name), drawn(tvos, recipe, Squares(), 2)
    with torch.no_grad():
        got = [float(v) for v in tvos.loss(Network(weights).eval(), samples, 0, recipe)]
    exact = transfer.prepare({key: array.astype(np.float64) for key, array in weights.items()})
    options = {f: getattr(recipe, f) for f in ("working_scale", "n_stages", "output_stride", "normalise")}
    for value, sample in zip(got, samples, strict=True):
        x = [transfer.embed(exact, image.astype(np.uint8), **options) for image in sample.frames]
        grid = x[0].shape[:2]
        y = [labels.harden(labels.to_grid(m, ids=(0, 1, 2), grid=grid, dtype=np.float64)) for m in sample.masks]
        x = [e.reshape(-1, e.shape[2]) for e in x]
        votes = propagation.softmax_vote(
            x[2], np.concatenate(x[:2]), np.concatenate(y[:2]), temperature=recipe.temperature
        )
        assert_allclose(value, float(losses.transductive_loss(votes, y[2])), **CLOSE)


# ── FEELVOS ──


def test_the_last_frame_is_never_a_query_and_any_may_be_the_reference():  # specs FEELVOS §5.1
    seen = np.array([shown(s) for s in drawn(feelvos, FEELVOS, Squares(n_frames=6, frame_of=marked), 900)])
    assert np.all(seen[:, 2] == seen[:, 1] + 1)
    for column, n_values in ((0, 6), (1, 4)):
        counts = np.bincount(seen[:, column], minlength=n_values)
        assert len(counts) == n_values
        assert np.all(np.abs(counts - 900 / n_values) < 5 * np.sqrt(900 / n_values))


def test_the_reference_has_a_view_of_its_own_and_the_other_two_share_theirs():  # specs FEELVOS §5.2
    samples = drawn(feelvos, FEELVOS._replace(crop=32), Squares(frame_of=marked), 30)
    assert all(np.array_equal(s.frames[1, :, :, 1:], s.frames[2, :, :, 1:]) for s in samples)
    assert np.mean([np.array_equal(s.frames[0, :, :, 1:], s.frames[1, :, :, 1:]) for s in samples]) < 0.2


def cells(n, *, of=1, elsewhere=0):
    """A frame of 40 x 40 of whose 10 x 10 cells of the stride-4 grid, by the nearest pixel, n have an object."""
    rows = np.floor(np.arange(10) * 39 / 9 + 0.5).astype(int)
    mask = np.full((40, 40), elsewhere, np.uint8)
    for i in range(n):
        mask[rows[i // 10], rows[i % 10]] = of
    return np.zeros((40, 40, 3), np.uint8), mask


@pytest.mark.parametrize(
    ("frame", "taken"),
    [
        (cells(10), True),
        (cells(9), False),
        (cells(90), True),
        (cells(91), False),  # of background
        (cells(0), False),
        (cells(40, of=255), False),  # void is no object
        (cells(100, elsewhere=1), False),
    ],
)
def test_a_reference_that_shows_too_little_of_an_id_is_rejected(frame, taken):  # specs FEELVOS §5.1
    recipe, source = FEELVOS._replace(flips=(0.0, 0.0)), Squares(frame_of=lambda _video, _t: frame)
    if taken:
        assert drawn(feelvos, recipe, source, 1)[0].n_objects == 2
    else:
        with pytest.raises(InputError, match=r"^in 100 draws no reference frame showed 10 pixels of each object"):
            drawn(feelvos, recipe, source, 1)


def test_a_rejected_draw_is_followed_by_another():
    recipe, source = FEELVOS._replace(flips=(0.0, 0.0)), Squares(frame_of=lambda video, _t: cells(5 + 3 * video))
    assert all((s.masks[0] > 0).sum() == 11 for s in drawn(feelvos, recipe, source, 20))


def test_ids_become_columns_and_those_that_the_reference_lacks_background():  # specs FEELVOS §5.2
    def frame(_video, t):
        mask = np.zeros((40, 40), np.uint8)
        mask[:20], mask[20:, :20] = 3, 7
        if t > 0:
            mask[:5, :5], mask[30:, 30:] = 5, 255
        return np.zeros((40, 40, 3), np.uint8), mask

    recipe = FEELVOS._replace(flips=(0.0, 0.0))
    samples = drawn(feelvos, recipe, Squares(frame_of=frame), 40)
    sample = next(s for s in samples if not (s.masks[0] == 255).any())  # the reference is frame 0
    assert sample.n_objects == 3
    assert [int(sample.masks[0][y, x]) for y, x in ((0, 0), (25, 5), (25, 35))] == [1, 2, 0]
    assert [int(sample.masks[2][y, x]) for y, x in ((0, 0), (10, 10), (25, 5), (35, 35))] == [0, 1, 2, 255]


def test_so_many_reference_pixels_of_each_object_are_kept_and_none_twice():
    recipe = FEELVOS._replace(flips=(0.0, 0.0), n_reference=15)
    for sample in drawn(feelvos, recipe, Squares(frame_of=lambda _video, _t: cells(12)), 5):
        one_hot = labels.to_grid(sample.masks[0], ids=(0, 1), grid=(10, 10), nearest=True)[sample.kept[0]]
        assert one_hot.sum(axis=0).tolist() == [15, 12]
        assert len(set(sample.kept[0])) == 27
    kept = {tuple(sorted(s.kept[0])) for s in drawn(feelvos, recipe, Squares(frame_of=lambda _video, _t: cells(12)), 5)}
    assert len(kept) == 5


ROWS = {  # of Table 6: what a head of so many channels sees, and how the previous frame is matched
    "1": ("feelvos-lite0", "global,previous,local", "local"),
    "2": ("feelvos-lite0", "global,previous,local", "global"),
    "3": ("feelvos-lite0-258", "global,previous", "local"),
    "4": ("feelvos-lite0-257", "global", "local"),
    "5": ("feelvos-lite0-258", "global,local", "local"),
    "6": ("feelvos-lite0-258", "previous,local", "local"),
}


@pytest.mark.parametrize(("step", "row"), [(0, "1"), (5, "1"), *((100, row) for row in ROWS)])
def test_feelvos_loss_is_the_definitions_from_the_frames_on(step, row):
    model, shown, previous_frame = ROWS[row]
    recipe = FEELVOS._replace(crop=45, annealing=10, cues=shown, previous_frame=previous_frame)
    weights, samples = thin(model), drawn(feelvos, recipe, Squares(), 2)
    with torch.no_grad():
        got = [float(v) for v in feelvos.loss(Network(weights).eval(), samples, step, recipe)]
    exact = {key: array.astype(np.float64) for key, array in weights.items()}
    for value, sample in zip(got, samples, strict=True):
        k, features = sample.n_objects, []
        features = [deeplab.features(exact, image.astype(np.float64), output_stride=16) for image in sample.frames]
        grid = features[0].shape[:2]
        reference, previous, query = (heads.embedding(exact, f).reshape(grid[0] * grid[1], -1) for f in features)
        y = [labels.to_grid(m, ids=range(k), grid=grid, dtype=np.float64, nearest=True) for m in sample.masks]
        far = matching.global_matching(query, reference[sample.kept[0]], y[0][sample.kept[0]])
        near = matching.local_matching(query, previous, y[1], grid=grid, window_radius=2)
        if previous_frame == "global":
            near = matching.global_matching(query, previous[sample.kept[1]], y[1][sample.kept[1]])
        maps = {"global": far, "previous": y[1], "local": near}
        cues = np.stack([maps[name] for name in shown.split(",")], axis=2).reshape(*grid, k, -1)
        logits = heads.segmentation_head(exact, features[2], cues)
        large = labels.upsample(logits.reshape(-1, k), grid=grid, size=(45, 45), align_corners=True)
        n = losses.hardest_pixels(step, 45 * 45, annealing_steps=10)
        truth = sample.masks[2].ravel()
        expected = losses.bootstrapped_cross_entropy(large.reshape(-1, k), truth, n_hardest=n)
        assert_allclose(value, float(expected), **CLOSE)


def test_the_auxiliary_loss_is_the_cross_entropy_of_a_vote_by_squared_distance():
    weights, samples = thin("feelvos-lite0"), drawn(feelvos, FEELVOS, Squares(), 1)
    network = Network(weights).eval()
    with torch.no_grad():
        plain, more = (feelvos.loss(network, samples, 0, FEELVOS._replace(auxiliary=a))[0] for a in (0.0, 2.0))
        images = torch.from_numpy(samples[0].frames).permute(0, 3, 1, 2)
        x = network.embedding(network.features(images, output_stride=16)).flatten(2).transpose(1, 2).double().numpy()
    k, kept = samples[0].n_objects, samples[0].kept[0]
    y = [labels.to_grid(m, ids=range(k), grid=(10, 10), dtype=np.float64, nearest=True) for m in samples[0].masks]
    query, truth = x[2][:: feelvos.JUDGED], y[2][:: feelvos.JUDGED]  # neighbours tell much the same
    squared = np.sum((query[:, None] - x[0][kept][None]) ** 2, axis=2)
    weighed = np.exp(-5 * (squared - squared.min(axis=1, keepdims=True)))
    votes = weighed / weighed.sum(axis=1, keepdims=True) @ y[0][kept]
    expected = losses.transductive_loss(votes, truth, epsilon=1e-6)
    assert_allclose(float(more - plain) / 2, float(expected), **CLOSE)


def test_a_damaged_mask_is_the_object_moved_scaled_and_turned_within_the_release_s_limits():
    mask = np.zeros((200, 200), np.uint8)
    mask[80:120, 60:140] = 1
    mask[100:120, 60:100] = 2
    for seed in range(20):
        moved = damaged(mask, np.random.default_rng(seed))
        assert set(np.unique(moved)) == {0, 1, 2}
        shift = np.argwhere(moved).mean(0) - np.argwhere(mask).mean(0)
        assert np.all(np.abs(shift) <= 0.05 * 200 + 1)
        for k in (1, 2):
            assert 0.9 < np.sum(moved == k) / np.sum(mask == k) < 1.1  # 1.025² and what a turned edge rounds
    assert_array_equal(damaged(np.zeros_like(mask), np.random.default_rng(0)), 0)


def test_the_previous_mask_alone_is_damaged():
    recipe = FEELVOS._replace(crop=64, flips=(0.0, 0.0))
    source = Squares()
    for seed in range(5):
        clean, hurt = (drawn(feelvos, recipe._replace(damage=p), source, 1, seed)[0] for p in (0.0, 1.0))
        assert_array_equal(clean.masks[[0, 2]], hurt.masks[[0, 2]])
        assert_array_equal(clean.frames, hurt.frames)
        assert np.any(clean.masks[1] != hurt.masks[1])

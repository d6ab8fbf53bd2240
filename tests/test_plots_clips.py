"""What the page shows is what was scored: whatever an evaluation could read, the page can, and as the same objects."""

import layouts
import numpy as np
import pytest
from verdicts import N, masks, write

from vosref.evaluation.protocols import PROTOCOLS
from vosref.plots.clips import clips_of
from vosref.runs.evaluations import evaluate, open_evaluation

pytestmark = pytest.mark.usefixtures("definitions")


def clip(results, truth, name):
    evaluation = open_evaluation(results, truth, protocol=PROTOCOLS[name])
    (scored,) = evaluate(evaluation)
    (shown,) = clips_of({"ours": evaluation}, lambda _: {}, scored=[scored.name])
    return shown


def test_void_that_stands_alone_in_a_frame_of_ids_is_shown_as_background(tmp_path):
    truth = masks(ids=(2,))
    truth[3] = np.where(truth[3] > 0, 255, 0)
    write(tmp_path / "t" / "a", truth)
    write(tmp_path / "r" / "a", np.where(truth == 255, 0, truth))
    shown = clip(tmp_path / "r", tmp_path / "t", "davis2017")
    assert not shown.truth("00003").any()
    assert set(np.unique(shown.truth("00002"))) == {0, 2}


def test_remnants_of_known_objects_are_shown(tmp_path):
    blocks = np.arange(1, 17, dtype=np.uint8).reshape(4, 4).repeat(3, axis=0).repeat(4, axis=1)
    truth = np.repeat(blocks[None], N, axis=0)
    predictions = truth.copy()
    predictions[:, :, 1::2] = 0
    write(tmp_path / "t" / "a", truth)
    write(tmp_path / "r" / "a", predictions)
    shown = clip(tmp_path / "r", tmp_path / "t", "davis2017")
    assert np.array_equal(shown.predictions["ours"]("00001"), predictions[1])


def test_binary_and_merged_masks_are_shown_as_object_1_and_a_missing_one_as_none(tmp_path):
    truth = masks(ids=(3,))
    write(tmp_path / "t" / "a", (truth > 0) * np.uint8(255), mode="L")
    write(tmp_path / "r" / "a", truth[:-1])
    shown = clip(tmp_path / "r", tmp_path / "t", "davis2016")
    for t in range(N - 1):
        assert np.array_equal(shown.truth(f"{t:05d}"), truth[t] > 0)
        assert np.array_equal(shown.predictions["ours"](f"{t:05d}"), truth[t] > 0)
    assert shown.predictions["ours"](f"{N - 1:05d}") is None


def test_the_jpeg_masks_of_youtube_objects_are_shown_cut(tmp_path):
    labels = {f"t/cat/1/{t:05d}.jpg": layouts.mask(*[255] * 8, mode="L", form="JPEG") for t in range(3)}
    layouts.write(tmp_path, labels)
    write(tmp_path / "r" / "cat" / "1", np.ones((3, *layouts.SIZE), np.uint8))
    shown = clip(tmp_path / "r", tmp_path / "t", "youtube_objects")
    assert set(np.unique(shown.truth("00001"))) == {0, 1}

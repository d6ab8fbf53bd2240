"""Results on disk: what is found, scored and refused, in folders and archives, on any executor alike."""

import multiprocessing
import shutil
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from verdicts import NAMES, N, masks, results_and_truth, write, zipped
from workers import dask_cluster

from vosref.evaluation import frame_scores
from vosref.evaluation.protocols import PROTOCOLS
from vosref.io import InputError, MissingInputError
from vosref.runs.cluster import cluster
from vosref.runs.evaluations import evaluate, open_evaluation
from vosref.runs.processes import Processes
from vosref.runs.sequences import frames_below

pytestmark = pytest.mark.usefixtures("definitions")


def judged(results, truth, name="davis2017", **options):
    return evaluate(open_evaluation(results, truth, protocol=PROTOCOLS[name], **options))


@pytest.fixture
def found(tmp_path):
    return results_and_truth(tmp_path)


def test_every_object_gets_the_scores_of_its_frames(found):
    scored = judged(*found)
    assert [s.name for s in scored] == [*NAMES]
    for n, s in enumerate(scored):
        truth = masks(n)
        for i, o in enumerate(s.objects):
            assert (o.sequence, o.object) == (s.name, i + 1)
            assert o.frames == tuple(f"{t:05d}" for t in range(1, N - 1))
            for t, j, f in zip(range(1, N - 1), o.region, o.contour, strict=True):
                assert ([j], [f]) == frame_scores(np.roll(truth[t], 1, axis=1), truth[t], ids=[i + 1])


def test_folders_and_archives_at_any_depth_score_the_same(tmp_path, found):
    results, truth = found
    expected = judged(results, truth)
    deep = tmp_path / "deep" / "a" / "b"
    shutil.copytree(results, deep)
    packed = zipped(results, tmp_path / "r.zip", inside="some/where")
    flat = zipped(results, tmp_path / "flat.zip")
    true = zipped(truth, tmp_path / "t.zip", inside="DAVIS/Annotations/480p")
    for pair in ((tmp_path / "deep", truth), (packed, truth), (flat, true), (results, true)):
        assert judged(*pair) == expected


def test_videos_that_keep_frames_and_masks_apart_are_sequences(tmp_path, found):
    results, truth = found
    expected = judged(results, truth)
    for name in NAMES:
        shutil.copytree(truth / name, tmp_path / "videos" / name / "masks")
        write(tmp_path / "videos" / name / "frames", masks(3))
    assert judged(results, tmp_path / "videos") == expected
    (scored,) = judged(results / "bear", tmp_path / "videos" / "bear")
    assert scored == expected[0]
    assert {*frames_below(tmp_path / "videos")} == {"videos/bear", "videos/dog"}


def test_macs_shadows_and_other_files_are_no_sequences(tmp_path, found):
    results, truth = found
    (results / "bear" / "notes.txt").write_text("x")
    write(results / "__MACOSX" / "bear", masks())
    write(results / ".hidden" / "bear", masks())
    assert not open_evaluation(results, truth, protocol=PROTOCOLS["davis2017"]).notes


@pytest.mark.parametrize("make", [lambda: ThreadPoolExecutor(2), lambda: Processes(2)])
def test_any_executor_gives_the_same_numbers_in_the_same_order(found, make):
    expected = judged(*found)
    seen = []
    with make() as executor:
        evaluation = open_evaluation(*found, protocol=PROTOCOLS["davis2017"])
        assert evaluate(evaluation, executor=executor, progress=seen.append) == expected
    assert seen[-1] == 2 * N
    assert seen == sorted(seen)


def test_a_dask_cluster_gives_the_same_numbers(found):
    with dask_cluster() as workers, cluster(workers.scheduler_address) as executor:
        evaluation = open_evaluation(*found, protocol=PROTOCOLS["davis2017"])
        assert evaluate(evaluation, executor=executor) == judged(*found)


def test_a_pool_of_processes_is_as_good(found):
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as executor:
        evaluation = open_evaluation(*found, protocol=PROTOCOLS["strict"], only=["dog"])
        assert evaluate(evaluation, executor=executor) == judged(*found, "strict", only=["dog"])


def test_one_folder_each_is_a_pair_whatever_they_are_called(found, tmp_path):
    results, truth = found
    (scores,) = judged((results / "bear").rename(tmp_path / "mine"), truth / "bear")
    assert scores.name == "bear"


def test_the_last_mask_may_be_missing_where_it_does_not_count(found):
    results, truth = found
    expected = judged(results, truth)
    for t in (0, N - 1):
        (results / "dog" / f"{t:05d}.png").unlink()
    scored = judged(results, truth)
    assert [s._replace(notes=()) for s in scored] == expected
    assert scored[1].notes == tuple(f"{results}/dog/{t:05d}.png is missing; it does not count" for t in (0, N - 1))
    with pytest.raises(MissingInputError, match=r"dog/00005.png is missing"):
        judged(results, truth, "youtube_vos")


def refusal(results, truth, name="davis2017"):
    with pytest.raises(InputError) as caught:
        judged(results, truth, name)
    return caught


def test_every_bad_mask_is_named_at_once(found):
    results, truth = found
    (results / "bear" / "00002.png").unlink()
    (results / "bear" / "00003.png").write_bytes(b"no image")
    Image.fromarray(np.zeros((5, 5), np.uint8)).save(results / "dog" / "00001.png")
    write(results / "dog", [masks(1)[2] * 3], names=["00002"])
    said = str(refusal(results, truth).value)
    assert said.count("\n") == 4
    for name in ("bear/00002.png is missing", "bear/00003.png is not an image", "dog/00001.png is 5x5"):
        assert str(results / name.split(" is ")[0]) + " is " + name.split(" is ")[1] in said
    assert f"{results}/dog/00002.png shows object 3" in said


def test_an_object_too_many_is_named_with_its_frame(found):
    results, truth = found
    frame = masks(0)[3].copy()
    frame[0, 0] = 9
    write(results / "bear", [frame], names=["00003"])
    assert "bear/00003.png shows object 9" in str(refusal(results, truth).value)
    assert judged(results, truth, "vos_benchmark")
    extra = judged(results, truth, "strict")[0].objects[-1]
    assert (extra.object, extra.extra, set(extra.region)) == (9, True, {0.0})


def test_a_missing_sequence_is_one_line_with_its_path(found):
    results, truth = found
    shutil.rmtree(results / "dog")
    caught = refusal(results, truth)
    assert f"{results}/dog/ is missing, all 6 masks" in str(caught.value)
    assert caught.type is MissingInputError
    scored = judged(results, truth, "strict")
    assert {o.j for o in scored[1].objects} == {0.0}


@pytest.mark.parametrize(
    ("other", "said"),
    [("2.png", "2.png there may be it: rename it to 00002"), ("00002.jpg", "00002.jpg has a photo's format")],
)
def test_what_may_be_meant_by_another_name_is_said(found, other, said):
    results, truth = found
    (results / "bear" / "00002.png").rename(results / "bear" / other)
    assert said in str(refusal(results, truth).value)


def test_what_does_not_count_is_noted(found):
    results, truth = found
    write(results / "cat", masks())
    write(results / "bear", [masks()[0]], names=["final"])
    evaluation = open_evaluation(results, truth, protocol=PROTOCOLS["davis2017"])
    assert "is ignored: cat" in evaluation.notes[0]
    assert f"{results / 'bear' / 'final.png'} is named like no frame" in evaluation.notes[1]


def test_masks_between_sparse_truth_do_not_count_and_are_counted(found):
    results, truth = found
    for name in NAMES:
        for t in (1, 3):
            (truth / name / f"{t:05d}.png").unlink()
    evaluation = open_evaluation(results, truth, protocol=PROTOCOLS["youtube_vos"])
    assert evaluation.notes == ("4 predicted masks are of frames without truth, and do not count",)
    assert evaluate(evaluation)[0].objects[0].frames == ("00000", "00002", "00004", "00005")


def test_a_sequence_that_is_there_twice_is_refused(found):
    results, truth = found
    shutil.copytree(results / "bear", results / "again" / "bear")
    with pytest.raises(InputError, match=r"bear is there 2 times"):
        judged(results, truth)


def test_two_resolutions_of_a_truth_are_refused(tmp_path, found):
    results, truth = found
    shutil.copytree(truth, tmp_path / "DAVIS" / "Annotations" / "480p")
    assert judged(results, tmp_path / "DAVIS") == judged(results, truth)
    shutil.copytree(truth, tmp_path / "DAVIS" / "Annotations" / "Full-Resolution")
    with pytest.raises(InputError, match="holds 480p and Full-Resolution; name the folder of one"):
        judged(results, tmp_path / "DAVIS")


def test_a_sequence_of_the_set_that_the_truth_has_not_is_named(found):
    with pytest.raises(MissingInputError, match=r"--set: the truth has no sequence 'cow'; it has 'bear', 'dog'"):
        judged(*found, only=["bear", "cow"])


def test_remnants_of_known_objects_are_no_noise_and_those_of_others_are(tmp_path):
    blocks = np.arange(1, 17, dtype=np.uint8).reshape(4, 4).repeat(3, axis=0).repeat(4, axis=1)
    truth = np.repeat(blocks[None], N, axis=0)
    predictions = truth.copy()
    predictions[:, :, 1::2] = 0  # nothing fills 3x3 pixels any more
    write(tmp_path / "t" / "a", truth)
    write(tmp_path / "r" / "a", predictions)
    (scored,) = judged(tmp_path / "r", tmp_path / "t")
    assert [o.j for o in scored.objects] == [0.5] * 16
    write(tmp_path / "s" / "a", np.where(predictions > 0, predictions + 100, 0).astype(np.uint8))
    assert "anti-aliased or noise" in str(refusal(tmp_path / "s", tmp_path / "t").value)


def test_a_binary_prediction_is_object_1(tmp_path):
    truth = masks(ids=(1,))
    write(tmp_path / "t" / "a", truth * 255, mode="L")
    write(tmp_path / "r" / "a", truth)
    write(tmp_path / "s" / "a", truth * 255, mode="L")
    for results in ("r", "s"):
        (scored,) = judged(tmp_path / results, tmp_path / "t")
        assert scored.objects[0].j == 1.0


def test_void_that_stands_alone_in_a_frame_of_ids_is_no_object(tmp_path):
    truth = masks(ids=(1,))
    truth[3] = np.where(truth[3] > 0, 255, 0)
    write(tmp_path / "t" / "a", truth)
    write(tmp_path / "r" / "a", np.where(truth == 255, 0, truth))
    (scored,) = judged(tmp_path / "r", tmp_path / "t")
    assert scored.objects[0].region == (1.0,) * 4


def test_nothing_is_kept_between_two_evaluations(found):
    results, truth = found
    before = judged(results, truth)
    write(results / "bear", masks(0))
    assert judged(results, truth)[0].objects[0].j == 1.0 != before[0].objects[0].j
    packed = zipped(results, results.parent / "r.zip")
    assert judged(packed, truth)[1] == before[1]
    write(results / "dog", masks(1))
    zipped(results, packed)
    assert judged(packed, truth)[1].objects[0].j == 1.0

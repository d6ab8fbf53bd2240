"""``vosref evaluate`` and ``vosref protocols evaluation``: what they print, write and refuse, with which exit code."""

import csv
import json
import re
import shutil

import layouts
import numpy as np
import pytest
from clips import plain
from PIL import Image
from verdicts import NAMES, N, masks, results_and_truth, write, zipped

from vosref.evaluation.protocols import PROTOCOLS, RULES

pytestmark = pytest.mark.usefixtures("definitions")

COLUMNS = ["Sequence", "J&F-Mean", "J-Mean", "J-Recall", "J-Decay", "F-Mean", "F-Recall", "F-Decay"]


@pytest.fixture
def found(tmp_path):
    return results_and_truth(tmp_path)


def evaluated(vosref, found, tmp_path, *more, protocol="davis2017"):
    code, out, err = vosref("evaluate", *found, "--protocol", protocol, "--json", tmp_path / "r.json", *more)
    assert code == 0, out + err
    return json.loads((tmp_path / "r.json").read_text(), parse_constant=pytest.fail), out, err


def test_the_report_holds_every_number_and_the_means_follow_from_it(vosref, found, tmp_path):
    report, out, err = evaluated(vosref, found, tmp_path, "--csv", tmp_path / "r.csv")
    assert [(o["sequence"], o["object"]) for o in report["objects"]] == [(name, k) for name in NAMES for k in (1, 2)]
    for o in report["objects"]:
        assert o["frames"] == [f"{t:05d}" for t in range(1, N - 1)]
        assert len(o["J"]) == len(o["F"]) == N - 2
        assert o["J-Mean"] == pytest.approx(np.mean(o["J"]), abs=1e-12)
        assert o["F-Recall"] == np.mean(np.array(o["F"]) > 0.5)
    j, f = (np.mean([o[f"{letter}-Mean"] for o in report["objects"]]) for letter in "JF")
    assert report["global"]["J-Mean"] == pytest.approx(j, abs=1e-12)
    assert report["global"]["J&F-Mean"] == pytest.approx((j + f) / 2, abs=1e-12)
    assert report["protocol"] == {"name": "davis2017", "rules": PROTOCOLS["davis2017"].rules()}
    assert f"J&F-Mean {(j + f) / 2:.3f}" in plain(out)
    assert "12/12" in err


def test_the_table_has_daviss_columns_at_full_precision(vosref, found, tmp_path):
    report, _, _ = evaluated(vosref, found, tmp_path, "--csv", tmp_path / "r.csv")
    rows = list(csv.DictReader((tmp_path / "r.csv").read_text().splitlines()))
    assert list(rows[0]) == COLUMNS
    assert [row["Sequence"] for row in rows] == ["Global", "bear_1", "bear_2", "dog_1", "dog_2"]
    assert {c: float(rows[0][c]) for c in COLUMNS[1:]} == report["global"]
    for row, o in zip(rows[1:], report["objects"], strict=True):
        assert {c: float(row[c]) for c in COLUMNS[2:]} == {c: o[c] for c in COLUMNS[2:]}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_protocol_scores_perfect_masks_1(vosref, tmp_path, found, protocol):
    _, truth = found
    report, _, _ = evaluated(vosref, (truth, truth), tmp_path, "--csv", tmp_path / "r.csv", protocol=protocol)
    means = {k: v for k, v in report["global"].items() if k.endswith(("Mean", "Recall", "Classes"))}
    assert {k for k, v in means.items() if k != "T-Mean" and v != 1.0} == set()
    header = (tmp_path / "r.csv").read_text().splitlines()[0].split(",")
    assert header == (
        COLUMNS if "F" in PROTOCOLS[protocol].measures else [c for c in COLUMNS if c[0] in "S" or c[:2] == "J-"]
    )


def test_workers_give_the_same_bytes(vosref, found, tmp_path):
    files = []
    for n in (1, 2):
        evaluated(vosref, found, tmp_path, "--workers", n, "--csv", tmp_path / "r.csv")
        files.append([(tmp_path / name).read_bytes() for name in ("r.json", "r.csv")])
    assert files[0] == files[1]


def test_two_results_stand_beside_each_other(vosref, found, tmp_path):
    better = shutil.copytree(found[1], tmp_path / "better")
    report, out, _ = evaluated(vosref, found, tmp_path, "--compare", better, "--html", tmp_path / "r.html")
    assert [report["name"], report["compared"][0]["name"]] == ["results", "better"]
    assert report["compared"][0]["global"]["J&F-Mean"] == 1.0
    assert re.search(rf"J&F-Mean {report['global']['J&F-Mean']:.3f} 1.000", plain(out))
    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")


def test_a_set_is_a_name_beside_the_truth_or_a_file(vosref, tmp_path, found):
    results, truth = found
    (truth.rename(tmp_path / "Annotations")).rename(tmp_path / "Annotations-480p")
    (tmp_path / "ImageSets" / "2017").mkdir(parents=True)
    (tmp_path / "ImageSets" / "2017" / "val.txt").write_text("dog\n")
    names = tmp_path / "mine.txt"
    names.write_text("# two\ndog\n")
    for subset in ("val", names):
        report, _, _ = evaluated(vosref, (results, tmp_path / "Annotations-480p"), tmp_path, "--set", subset)
        assert [row["sequence"] for row in report["sequences"]] == ["dog"]
        assert report["set"] == str(subset)


def test_youtube_vos_has_a_g_where_the_categories_are_known(vosref, tmp_path, found):
    truth = found[1]
    both = {"1": {"category": "cat"}, "2": {"category": "emu"}}
    meta = {"videos": {name: {"objects": both} for name in NAMES}}
    report, _, err = evaluated(vosref, found, tmp_path, protocol="youtube_vos")
    assert "G" not in report["global"]
    assert "--seen" in err
    (truth / "meta.json").write_text(json.dumps(meta))
    (tmp_path / "seen.txt").write_text("cat\n")
    report, _, _ = evaluated(vosref, found, tmp_path, "--seen", tmp_path / "seen.txt", protocol="youtube_vos")
    four = [report["global"][f"{m}-{s}"] for s in ("Seen", "Unseen") for m in "JF"]
    assert report["global"]["G"] == pytest.approx(np.mean(four), abs=1e-12)
    seen = [o["J-Mean"] for o in report["objects"] if o["object"] == 1]
    assert report["global"]["J-Seen"] == pytest.approx(np.mean(seen), abs=1e-12)


def test_masks_that_were_only_given_are_no_truth_for_youtube_vos(vosref, tmp_path):
    root = layouts.write(tmp_path / "yt", layouts.youtube_vos())
    masks_given = root / "valid" / "Annotations"
    code, _, err = vosref("evaluate", masks_given, masks_given, "--protocol", "youtube_vos")
    assert code == 3
    assert "has no mask of frame 00005, in which meta.json lists object 1" in plain(err)


def test_youtube_objects_has_both_means(vosref, tmp_path):
    for name, shift in (("cat/1", 0), ("cat/2", 0), ("emu/1", 8)):
        write(tmp_path / "t" / name, masks(ids=(1,)))
        write(tmp_path / "r" / name, np.roll(masks(ids=(1,)), shift, axis=2))
    report, _, _ = evaluated(vosref, (tmp_path / "r", tmp_path / "t"), tmp_path, protocol="youtube_objects")
    assert report["global"]["J-Mean"] == pytest.approx(2 / 3)
    assert report["global"]["J-Mean-Classes"] == 0.5
    assert not any(k.startswith("F") for k in report["global"])
    assert "F" not in report["objects"][0]


def late(tmp_path):
    truth = masks()
    truth[:3][truth[:3] == 1] = 0
    write(tmp_path / "t" / "a", truth)
    write(tmp_path / "r" / "a", np.where(truth == 1, 0, truth))
    return tmp_path / "r", tmp_path / "t"


def test_explain_says_which_rule_moves_which_object(vosref, tmp_path):
    report, out, _ = evaluated(vosref, late(tmp_path), tmp_path, "--explain")
    said = plain(out)
    assert "start in_truth, as in youtube_vos a, object 1 J 0.500 → 0.000 F 0.500 → 0.000" in said
    moves = [m for m in report["moves"] if (m["rule"], m["value"]) == ("start", "in_truth")]
    assert [(m["object"], m["before"], m["after"]) for m in moves] == [(1, [0.5, 0.5], [0.0, 0.0])]
    again = vosref("protocols", "evaluation", "--explain", *late(tmp_path))
    assert again[0] == 0
    assert "0.500 → 0.000" in again[1]


def test_explain_says_so_where_nothing_is_in_dispute(vosref, tmp_path):
    truth = np.ones((6, 12, 16), np.uint8)
    truth[:, :3] = 0
    write(tmp_path / "t" / "a", truth)
    _, out, _ = evaluated(vosref, (tmp_path / "t", tmp_path / "t"), tmp_path, "--explain")
    assert "no other value of a rule would change a score of the objects (1)" in plain(out)


def test_the_protocols_are_printed_rule_by_rule(vosref):
    code, out, _ = vosref("protocols", "evaluation")
    assert code == 0
    words = plain(out)
    for values in RULES.values():
        for value in values:
            assert value.split(",")[0] in words
    for name in PROTOCOLS:
        assert name in words


def test_a_sequence_without_an_object_has_no_score_and_is_noted(vosref, tmp_path, found):
    results, truth = found
    for folder in found:
        write(folder / "void", np.zeros((N, 12, 16), np.uint8))
    report, _, err = evaluated(vosref, found, tmp_path, "--html", tmp_path / "r.html", "--csv", tmp_path / "r.csv")
    assert [row["sequence"] for row in report["sequences"]] == [*NAMES]
    assert "void: nothing is an object under davis2017" in plain(err)
    alone, _, _ = evaluated(vosref, (results / "void", truth / "void"), tmp_path, "--html", tmp_path / "a.html")
    assert alone["global"]["J&F-Mean"] is None


def test_a_report_may_go_to_a_pipe(vosref, found):
    assert vosref("evaluate", *found, "--protocol", "strict", "--json", "/dev/stdout")[0] == 0


def spoil(results, how):
    """Spoil one mask, or more, in a way of its own."""
    mask = results / "bear" / "00002.png"
    frame = masks(0)[2]
    grey = Image.fromarray((frame * 100).astype(np.uint8))
    {
        "missing": mask.unlink,
        "missing sequence": lambda: shutil.rmtree(results / "dog"),
        "mis-sized": lambda: Image.fromarray(frame).resize((5, 4)).save(mask),
        "anti-aliased": lambda: grey.resize((160, 120), Image.Resampling.BICUBIC).resize((16, 12)).save(mask),
        "photo": lambda: (mask.unlink(), grey.save(mask.with_suffix(".jpg"))),
        "colour": lambda: grey.convert("RGB").save(mask),
        "truncated": lambda: mask.write_bytes(mask.read_bytes()[:60]),
        "empty file": lambda: mask.write_bytes(b""),
        "mis-named": lambda: mask.rename(mask.with_name("2.png")),
        "extra object": lambda: write(mask.parent, [np.where(frame == 0, 7, frame)], names=["00002"]),
        "void": lambda: write(mask.parent, [np.where(frame == 0, 255, frame)], names=["00002"]),
    }[how]()


@pytest.mark.parametrize(
    ("how", "code", "said"),
    [
        ("missing", 3, "bear/00002.png is missing"),
        ("missing sequence", 3, "dog/ is missing, all 6 masks of the sequence"),
        ("mis-sized", 1, "bear/00002.png is 5x4 but the frames are 16x12"),
        ("anti-aliased", 1, "bear/00002.png is anti-aliased or noise"),
        ("photo", 3, "bear/00002.png is missing; 00002.jpg has a photo's format: save it as PNG"),
        ("colour", 1, "bear/00002.png is a RGB image"),
        ("truncated", 1, "bear/00002.png is truncated or corrupt"),
        ("empty file", 1, "bear/00002.png is not an image (the file is empty)"),
        ("mis-named", 3, "bear/00002.png is missing; 2.png there may be it: rename it to 00002"),
        ("extra object", 1, "bear/00002.png shows object 7, which the first true mask has not"),
        ("void", 1, "bear/00002.png holds id 255 beside [1, 2]"),
    ],
)
def test_a_bad_mask_is_named_and_nothing_is_written(vosref, found, tmp_path, how, code, said):
    results, truth = found
    spoil(results, how)
    report = tmp_path / "r.json"
    got, out, err = vosref("evaluate", results, truth, "--protocol", "davis2017", "--json", report)
    assert got == code
    assert said in plain(err)
    assert not report.exists()
    assert "J&F" not in out
    packed = zipped(results, tmp_path / "r.zip")
    assert vosref("evaluate", packed, truth, "--protocol", "davis2017")[0] == code


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("{r}",), 2, "give TRUTH, the true masks"),
        (("{r}", "{t}"), 2, "give --protocol NAME"),
        (("{r}", "{t}", "--protocol", "davis"), 2, "protocol must be one of davis2016, davis2017"),
        (("{r}", "{t}", "--protocol", "strict", "--resume"), 2, "--resume goes with --run"),
        (("{r}", "--run", "tvos"), 2, "say which kind with --dataset"),
        (("{r}", "--run", "tvos", "--dataset", "davis"), 2, "must be one of davis2016"),
        (("{r}", "{t}", "--run", "tvos", "--dataset", "davis2016"), 2, "TRUTH goes with"),
        (("{r}", "{t}", "--protocol", "strict", "--workers", "2", "--scheduler", "tcp://x:1"), 2, "give one of them"),
        (("{r}", "{t}", "--protocol", "strict", "--scheduler", "x"), 1, "--scheduler takes an address"),
        (("{r}/none", "{t}", "--protocol", "strict"), 3, "none does not exist"),
        (("{r}", "{t}/bear/00000.png", "--protocol", "strict"), 1, "neither a folder nor a readable zip archive"),
        (("{r}", "{e}", "--protocol", "strict"), 3, "holds no masks"),
        (("{r}", "{t}", "--protocol", "strict", "--set", "val"), 3, "there are no ImageSets"),
        (("{r}", "{t}", "--protocol", "strict", "--json", "{r}"), 1, "is a folder; name a file"),
        (("{r}", "{t}", "--protocol", "strict", "--html", "{t}/bear/00000.png/x"), 1, "--html"),
    ],
)
def test_a_wrong_call_ends_with_a_sentence(vosref, found, tmp_path, words, code, said):
    (tmp_path / "empty").mkdir()
    places = {"r": found[0], "t": found[1], "e": tmp_path / "empty"}
    got, _, err = vosref("evaluate", *(word.format(**places) for word in words))
    assert got == code
    assert said in plain(err)

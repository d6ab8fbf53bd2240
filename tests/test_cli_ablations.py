"""``vosref ablations``: rows are listed, run, scored, set beside the paper's, and gone on with after a stop."""

import json
import re

import layouts
import pytest
from clips import contents, plain

pytestmark = [
    pytest.mark.usefixtures("definitions"),
    pytest.mark.filterwarnings("ignore::vosref.video.VanishedObjectWarning"),  # one column is less than a cell
]
CHEAPLY = [word for setting in ("working_scale=1", "n_stages=1", "output_stride=2") for word in ("--set", setting)]
ROWS = "1-frame", "sparse", "soft-labels"


@pytest.fixture
def root(tmp_path):
    return layouts.write(tmp_path / "davis", layouts.davis2016())


@pytest.fixture
def tvos(vosref, root, tmp_path):
    """Run some rows of TVOS on the tiny data set."""

    def run(*options, rows=ROWS, settings=CHEAPLY):
        only = [word for row in rows for word in ("--only", row)]
        return vosref("ablations", "tvos", "--data", root, "--out", tmp_path / "out", *settings, *only, *options)

    return run


def test_without_data_the_rows_are_listed_with_the_papers_numbers(vosref):
    code, printed, said = vosref("ablations", "tvos")
    assert (code, said) == (0, "")
    for cells in (r"1-frame +│ 1 frame +│ +0\.607", r"sparse-motion +│ .* +│ +0\.699", r"soft-labels +│ .* +│ +–"):
        assert re.search(rf"│ {cells} │", printed)
    code, printed, _ = vosref("ablations", "feelvos")
    assert code == 0
    assert re.search(r"│ 4 +│ FF-GM \* +│ +0\.473 │ +0\.579 │ +0\.526 │", printed)
    assert "* cues switched off at test, in a head that was trained with all of them" in printed


def test_rows_are_segmented_scored_and_set_beside_the_papers(tvos, tmp_path):
    code, printed, said = tvos("--json", tmp_path / "a.json")
    assert code == 0, said
    for row in ROWS:
        assert len(contents(tmp_path / "out" / row / "bear")) == 4
        assert len(contents(tmp_path / "out" / row / "camel")) == 3
    found = json.loads((tmp_path / "a.json").read_text())
    assert (found["method"], found["dataset"], found["set"]) == ("tvos", "davis2016", "val")
    assert found["sequences"] == ["bear", "camel"]
    assert [row["row"] for row in found["rows"]] == list(ROWS)
    for row in found["rows"]:
        cells = " │ ".join(rf" *{row['global'][name]:.3f}" for name in ("J-Mean", "F-Mean", "J&F-Mean"))
        assert re.search(rf"│ {row['row']} +│ [^│]+│ {cells} │ +", printed)
    assert found["rows"][0]["config"]["n_recent"] == 1
    assert found["rows"][2]["config"]["feedback"] == "soft"
    assert "ours: davis2016 val, 2 sequences; the paper's: DAVIS 2017 val\n" in printed
    first, second = (row["global"]["J-Mean"] for row in found["rows"][:2])
    swapped = [["sparse", "1-frame"]] if first > second else []
    assert found["order"] == {"pairs": 1, "swapped": swapped, "tau": -1 if swapped else 1}
    assert f"{1 - len(swapped)} of 1 pairs of rows are in the paper's order by J" in printed
    assert ("here, and not there: 1-frame above sparse" in printed) == bool(swapped)


def test_finished_rows_are_kept_with_resume_and_new_ones_join_them(tvos, tmp_path, monkeypatch):
    assert tvos("--json", tmp_path / "a.json", rows=ROWS[:2])[0] == 0
    kept = contents(tmp_path / "out" / "sparse" / "bear")
    with monkeypatch.context() as patched:
        patched.setattr("vosref.runs.walk", pytest.fail)
        assert tvos("--json", tmp_path / "b.json", "--resume", rows=ROWS[:2])[0] == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert contents(tmp_path / "out" / "sparse" / "bear") == kept
    assert tvos("--json", tmp_path / "c.json", "--resume")[0] == 0
    before, after = (json.loads((tmp_path / f"{name}.json").read_text())["rows"] for name in "ac")
    assert after[:2] == before


def test_some_sequences_alone_are_taken(tvos, tmp_path):
    code, printed, _ = tvos("--sequences", "camel", rows=ROWS[:1])
    assert code == 0
    assert [path.name for path in (tmp_path / "out" / "1-frame").iterdir()] == ["camel"]
    assert "ours: davis2016 val, 1 sequence; the paper's" in printed
    assert "too few rows to compare their order with the paper's\n" in printed


def test_workers_change_no_score(tvos, tmp_path):
    assert tvos("--json", tmp_path / "a.json", rows=ROWS[:1])[0] == 0
    assert tvos("--json", tmp_path / "b.json", "--workers", 2, "--threads", 1, rows=ROWS[:1])[0] == 0
    one, two = (json.loads((tmp_path / f"{name}.json").read_text())["rows"][0]["global"] for name in "ab")
    assert one == two


def test_a_line_of_table_6_runs_with_the_head_that_comes_with_vosref_and_says_how(vosref, root, tmp_path):
    options = ("--only", "4", "--sequences", "camel", "--set", "output_stride=16", "--json", tmp_path / "a.json")
    code, printed, said = vosref("ablations", "feelvos", "--data", root, "--out", tmp_path / "out", *options)
    assert code == 0, said
    assert "* cues switched off at test" in printed
    (row,) = json.loads((tmp_path / "a.json").read_text())["rows"]
    assert row["config"]["missing_cues"] == "neutral"
    assert row["note"].startswith("cues switched off at test")


@pytest.mark.parametrize(
    ("code", "options", "sentence"),
    [
        (2, ("--only", "dense"), "only must be one of 1-frame, "),
        (2, ("--weights", "8=x.safetensors"), "weights must be of rows 1-frame, "),
        (2, ("--weights", "lite7"), 'weights must be one of "tvos-lite0", '),
        (3, ("--weights", "sparse=none.safetensors"), "none.safetensors does not exist; check its spelling"),
        (2, ("--set", "temprature=3"), "tvos has no setting 'temprature'"),
        (2, ("--set", "sigma_recent=0"), "sigma_recent must be positive, got 0"),
        (2, ("--kind", "davis2018"), "--kind: kind must be one of davis2016, "),
        (3, ("--sequences", "dog"), "has no video dog in its set; it has "),
        (3, ("--subset", "nowhere"), "--set: "),
        (1, ("--json", "."), "--json: . is a folder; name a file"),
    ],
)
def test_a_wrong_call_is_refused_before_anything_is_computed(tvos, tmp_path, code, options, sentence):
    got, printed, said = tvos(*options, rows=(), settings=())
    assert (got, printed) == (code, "")
    assert sentence in plain(said)
    assert not (tmp_path / "out").exists()


def test_data_needs_a_folder_for_the_masks(vosref, root):
    code, _, said = vosref("ablations", "tvos", "--data", root)
    assert code == 2
    assert "--data needs --out, the folder for the masks" in plain(said)
    assert vosref("ablations", "osvos")[0] == 2


def test_a_sequence_that_fails_ends_with_1_and_is_named(tvos, root, tmp_path):
    path = root / "JPEGImages" / "480p" / "camel" / "00002.jpg"
    path.write_bytes(path.read_bytes()[:300])
    code, _, said = tvos(rows=ROWS[:1])
    assert code == 1
    assert "camel" in plain(said)

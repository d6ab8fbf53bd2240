"""The rows of the papers' tables: their configurations, their order beside the paper's, and what is refused."""

import json

import layouts
import numpy as np
import pytest
from clips import contents, thin_feelvos
from hypothesis import given
from hypothesis import strategies as st

from vosref import runs
from vosref.datasets import open_dataset
from vosref.io import MissingInputError
from vosref.runs import ablations
from vosref.runs.ablations import Agreement, agreement, chosen_rows, open_row, row_report, rows, score
from vosref.video import configure
from vosref.weights import WeightsError

pytestmark = [
    pytest.mark.usefixtures("definitions"),
    pytest.mark.filterwarnings("ignore::vosref.video.VanishedObjectWarning"),  # one column is less than a cell
]
SCORES = st.lists(st.integers(0, 5), min_size=0, max_size=6)


def kendall(ours, paper):
    """Count pairs one by one: those that the paper orders, and those of them that are the other way round here."""
    pairs = swapped = 0
    for i in range(len(ours)):
        for j in range(i):
            pairs += paper[i] != paper[j]
            swapped += (paper[i] - paper[j]) * (ours[i] - ours[j]) < 0
    return pairs, swapped


def test_tvos_has_table_2_by_its_columns_and_what_the_paper_gives_no_number_for():
    table = rows("tvos")
    assert [row.paper.get("J-Mean") for row in table] == [0.607, 0.634, 0.686, 0.686, 0.690, 0.699, None, None, None]
    assert [row.config for row in table] == [configure("tvos", f"ablation-{row.name}") for row in table]
    assert not any(row.note for row in table)


def test_feelvos_has_table_6_by_its_lines():
    table = rows("feelvos")
    assert [row.name for row in table] == list("123456")
    assert [row.paper["J&F-Mean"] for row in table] == [0.691, 0.642, 0.549, 0.526, 0.633, 0.561]
    for row in table:  # rounded each by itself
        assert row.paper["J&F-Mean"] == pytest.approx((row.paper["J-Mean"] + row.paper["F-Mean"]) / 2, abs=0.00101)


def test_a_head_for_all_cues_is_told_of_none_in_the_lines_that_lack_some_and_that_is_said():
    table = rows("feelvos")
    neutral = {row.name for row in table if row.config.missing_cues == "neutral"}
    assert neutral == {"3", "4", "5", "6"} == {row.name for row in table if row.note}
    for row in table:
        change = {"missing_cues": "neutral"} if row.name in neutral else {}
        assert row.config == configure("feelvos", f"ablation-{row.name}", **change)


def test_a_head_trained_without_a_cue_runs_as_the_paper_has_it(monkeypatch):
    full = thin_feelvos(monkeypatch, n_cues=3)
    monkeypatch.setattr(ablations, "load", {"full": full, "two": thin_feelvos(monkeypatch, n_cues=2)}.__getitem__)
    table = rows("feelvos", weights={"": "full", "5": "two"})
    assert [row.config.weights for row in table] == ["full", "full", "full", "full", "two", "full"]
    assert [row.name for row in table if row.note] == ["3", "4", "6"]


def test_settings_reach_every_row():
    assert {row.config.temperature for row in rows("tvos", temperature="7")} == {7.0}
    assert {row.config.weights for row in rows("tvos", weights={"": "lite0"}, temperature="7")} == {"lite0"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: rows("osvos"), "method must be one of tvos, feelvos, got 'osvos'"),
        (lambda: rows("feelvos", weights={"7": "x"}), "weights must be of rows 1, 2, 3, 4, 5, 6, got '7'"),
        (lambda: rows("tvos", guess=1), "tvos has no setting 'guess'; it has sampling, "),
        (lambda: chosen_rows(rows("tvos"), ["dense"]), "only must be one of 1-frame, .*, got 'dense'"),
    ],
)
def test_a_wrong_name_is_refused(call, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        call()


def test_weights_without_a_head_have_no_table_6():
    with pytest.raises(WeightsError, match="^weights must have FEELVOS's head, got 'tvos-lite0', which has not$"):
        rows("feelvos", weights={"": "tvos-lite0"})


def test_rows_are_chosen_in_the_order_of_the_table():
    table = rows("tvos")
    assert [row.name for row in chosen_rows(table, ["sparse", "1-frame"])] == ["1-frame", "sparse"]
    assert chosen_rows(table, []) == list(table)


@given(paper=SCORES, seed=st.integers(0, 2**16))
def test_agreement_counts_the_pairs_that_the_paper_orders(paper, seed):
    ours = np.random.default_rng(seed).integers(0, 5, len(paper)).tolist()
    names = [f"row {i}" for i in range(len(paper))]
    found = agreement(dict(zip(names, ours, strict=True)), dict(zip(names, paper, strict=True)))
    assert (found.pairs, len(found.swapped)) == kendall(ours, paper)
    for better, worse in found.swapped:
        assert paper[names.index(better)] > paper[names.index(worse)]
        assert ours[names.index(better)] < ours[names.index(worse)]


@given(paper=st.lists(st.integers(0, 50), min_size=2, max_size=6, unique=True))
def test_tau_is_1_for_the_papers_order_and_minus_1_for_its_reverse(paper):
    there = {f"{i}": float(score) for i, score in enumerate(paper)}
    assert agreement({name: score / 100 for name, score in there.items()}, there).tau == 1
    assert agreement({name: -score for name, score in there.items()}, there).tau == -1


def test_rows_without_a_number_on_either_side_are_in_no_order():
    assert agreement({"a": 0.5, "b": None, "c": 0.6}, {"a": 0.7, "b": 0.6}) == Agreement(0, ())
    assert agreement({}, {}).tau is None


def test_a_row_is_segmented_scored_and_put_into_json(tmp_path):
    dataset = open_dataset("davis2016", layouts.write(tmp_path / "davis", layouts.davis2016()))
    (row,) = chosen_rows(rows("tvos", working_scale="1", n_stages="1", output_stride="2"), ["3-frames"])
    for job in open_row(row, dataset, tmp_path / "out", method="tvos"):
        runs.segment(job)
    assert len(contents(tmp_path / "out" / "3-frames" / "bear")) == 4
    found = row_report(row, score(row, dataset, tmp_path / "out"))
    assert (found["row"], found["paper"], found["note"]) == ("3-frames", {"J-Mean": 0.634}, "")
    assert {r["sequence"] for r in found["sequences"]} == {"bear", "camel"}
    mean = np.mean([r["J-Mean"] for r in found["sequences"]])
    assert found["global"]["J-Mean"] == pytest.approx(mean)
    assert json.loads(json.dumps(found)) == found


def test_some_videos_of_a_data_set_are_taken_by_name(tmp_path):
    dataset = open_dataset("davis2016", layouts.write(tmp_path / "davis", layouts.davis2016()))
    some = dataset.only(["camel"])
    assert (list(some), some.kind, some.subset) == (["camel"], "davis2016", "val")
    assert list(some["camel"].frames) == list(dataset["camel"].frames)
    assert list(dataset.only([])) == ["bear", "camel"]
    with pytest.raises(MissingInputError, match="has no video dog in its set; it has "):
        dataset.only(["camel", "dog"])

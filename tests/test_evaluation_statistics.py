"""Mean, recall and decay against the benchmark's formulas, beyond 256 frames too."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vosref.evaluation.statistics import decay, decay_bins, mean, recall

SCORES = st.lists(st.floats(0, 1), max_size=40)


@pytest.mark.parametrize(
    ("count", "edges"), [(67, [0, 17, 33, 50, 66]), (102, [0, 25, 51, 76, 101]), (23, [0, 6, 11, 17, 22])]
)
def test_the_edges_of_the_bins_are_the_benchmarks(count, edges):
    bins = decay_bins(count)
    assert [b.start for b in bins] + [bins[-1].stop - 1] == edges
    assert [b.stop - 1 for b in bins] == edges[1:]


@given(count=st.integers(1, 5000))
def test_bins_cover_all_frames_share_one_with_each_neighbour_and_follow_numpys_formula(count):
    edges = np.round(np.linspace(1, count, 5) + 1e-10).astype(int) - 1
    bins = decay_bins(count)
    assert [b.start for b in bins] == edges[:-1].tolist()
    assert [b.stop - 1 for b in bins] == edges[1:].tolist()
    assert (bins[0].start, bins[-1].stop) == (0, count)


def test_the_decay_of_300_frames_is_not_cut_to_8_bits():
    values = [1.0] * 150 + [0.0] * 150
    assert decay(values) == 1.0
    edges = (
        (np.round(np.linspace(1, 300, 5) + 1e-10) - 1).astype(int).astype(np.uint8).tolist()
    )  # as the benchmark does
    assert edges[-1] == 43
    first, last = values[edges[0] : edges[1] + 1], values[edges[3] : edges[4] + 1]
    assert not last or np.mean(first) - np.mean(last) != 1.0


@given(values=SCORES.filter(len))
def test_decay_is_the_first_bins_mean_less_the_lasts(values):
    bins = [np.array(values)[b] for b in decay_bins(len(values))]
    assert decay(values) == pytest.approx(bins[0].mean() - bins[-1].mean(), abs=1e-12)
    assert decay(values[::-1]) == pytest.approx(-decay(values), abs=1.01 if len(values) % 4 != 1 else 1e-12)


@given(values=SCORES.filter(len), shift=st.randoms(use_true_random=False))
def test_mean_and_recall_know_no_order(values, shift):
    mixed = values.copy()
    shift.shuffle(mixed)
    assert mean(mixed) == mean(values) == pytest.approx(np.mean(values), abs=1e-12)
    assert recall(mixed) == recall(values) == pytest.approx(np.mean(np.array(values) > 0.5), abs=1e-12)


def test_a_half_is_not_recalled():
    assert recall([0.5, 0.5000001]) == 0.5


def test_without_values_there_is_no_score():
    assert all(math.isnan(of([])) for of in (mean, recall, decay))


def test_the_mean_leaves_out_what_is_unknown():
    assert mean([0.25, math.nan, 0.75]) == 0.5

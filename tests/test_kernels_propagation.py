"""The Numba twins of the online functions, and every block size, against the float64 definition within the bound."""

import tracemalloc

import numba
import numpy as np
import pytest
from bounds import propagation_bound
from hypothesis import given
from hypothesis import strategies as st
from strategies import propagation_problems

from vosref.backend import use_cpu, use_threads
from vosref.kernels import numba_propagation
from vosref.propagation import propagate_online, propagate_released

COMPILED = pytest.param(
    "numba",
    marks=pytest.mark.skipif(numba.config.DISABLE_JIT, reason="interpreted and watched, it takes half a minute"),
)
BOTH = pytest.mark.parametrize(("propagate", "form"), [(propagate_released, "released"), (propagate_online, "paper")])


def within(got, query, references, labels, options, *, form, propagate, n_tiles):
    exact = propagate.__wrapped__(*(a.astype(np.float64) for a in (query, references, labels)), **options)
    bound = propagation_bound(exact, query, references, form=form, n_tiles=n_tiles, **options)
    return bool(np.all(np.abs(got.astype(np.float64) - exact) <= bound))


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(data=st.data())
def test_the_twin_keeps_to_the_bound(propagate, form, dtype, data):
    query, references, labels, options = data.draw(propagation_problems(dtype=dtype))
    with use_cpu("numba"):
        got = propagate(query, references, labels, **options)
    assert got.dtype == dtype
    assert within(got, query, references, labels, options, form=form, propagate=propagate, n_tiles=references.shape[0])


@BOTH
@given(problem=propagation_problems(dtype=np.float32), memory=st.sampled_from([24, 100, 1000, 10**6]))
def test_the_definition_keeps_to_the_bound_whatever_the_memory(propagate, form, problem, memory):
    query, references, labels, options = problem
    got = propagate.__wrapped__(query, references, labels, memory=memory, **options)
    n_tiles = references.shape[0] * references.shape[1]
    assert within(got, query, references, labels, options, form=form, propagate=propagate, n_tiles=n_tiles)


@BOTH
@given(problem=propagation_problems(dtype=np.float32), band=st.integers(1, 9), block=st.integers(1, 30))
def test_the_twin_keeps_to_the_bound_whatever_its_bands_and_blocks(propagate, form, problem, band, block):
    query, references, labels, options = problem
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(numba_propagation, "BAND", band)
        patch.setattr(numba_propagation, "BLOCK", block)
        got = propagate(query, references, labels, **options)
    n_tiles = references.shape[0] * options["grid"][0]
    assert within(got, query, references, labels, options, form=form, propagate=propagate, n_tiles=n_tiles)


@BOTH
def test_any_number_of_threads_gives_the_same_bytes(propagate, form, monkeypatch):
    monkeypatch.setattr(numba_propagation, "BAND", 16)
    rng = np.random.default_rng(1)
    query, *references = rng.standard_normal((4, 11 * 7, 8)).astype(np.float32)
    labels = rng.random((3, 11 * 7, 3)).astype(np.float32)
    results = []
    for threads in (1, 2, 3):
        with use_threads(threads):
            results.append(propagate(query, np.stack(references), labels, grid=(11, 7), sigma=(8.0, 8.0, 21.0)))
    assert len({r.tobytes() for r in results}) == 1


def test_inputs_stay_as_they_were_and_need_not_be_contiguous():
    rng = np.random.default_rng(0)
    query, references = rng.random((3, 12)).T, rng.random((2, 3, 12)).transpose(0, 2, 1)
    labels = rng.random((2, 12, 2))[:, ::-1]
    for array in (query, references, labels):
        array.flags.writeable = False
    for propagate in (propagate_released, propagate_online):
        options = {"grid": (3, 4), "sigma": (2.0, 8.0)}
        got = propagate(query, references, labels, **options)
        np.testing.assert_allclose(got, propagate.__wrapped__(query, references, labels, **options), rtol=1e-12)


@BOTH
@pytest.mark.parametrize("tier", ["numpy", COMPILED])
def test_working_memory_stays_within_the_budget_where_all_pairs_would_not(propagate, form, tier, monkeypatch):
    monkeypatch.setattr(numba_propagation, "BLOCK", 16)
    grid, frames, budget = (8, 12), 8, 56_000
    rng = np.random.default_rng(2)
    query, *references = rng.standard_normal((frames + 1, grid[0] * grid[1], 8)).astype(np.float32)
    labels = [rng.random((grid[0] * grid[1], 3)).astype(np.float32) for _ in references]
    assert frames * len(query) ** 2 * 4 > 5 * budget
    with use_cpu(tier):
        few = ([r[:12] for r in references], [y[:12] for y in labels])
        propagate(query[:12], *few, grid=(1, 12), sigma=(8.0,) * frames)
        tracemalloc.start()
        propagate(query, references, labels, grid=grid, sigma=(8.0,) * frames, memory=budget)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak <= budget


def test_what_underflows_is_left_out_and_nothing_else_is():
    # σ = 1 and rows of the grid 11 apart: exp(-121) is 0 in float32. Float64 holds it, and the softmax counts it.
    rng = np.random.default_rng(3)
    query, reference = rng.standard_normal((2, 24, 4)).astype(np.float32)
    labels, options = rng.random((24, 2)).astype(np.float32), {"grid": (12, 2), "sigma": (1.0,)}
    exact = propagate_released.__wrapped__(
        *(a.astype(np.float64) for a in (query, reference[None], labels[None])), **options
    )
    got = propagate_released(query, (reference,), (labels,), **options)
    assert np.all(
        np.abs(got - exact)
        <= propagation_bound(exact, query, reference[None], form="released", temperature=1.0, n_tiles=1, **options)
    )
    far = np.where(np.arange(24) < 2, 1, 0)[:, None].astype(np.float32)  # a label in the first row of the grid alone
    assert propagate_released(query, (reference,), (far,), **options)[-2:].max() == 0

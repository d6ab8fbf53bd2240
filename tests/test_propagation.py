"""`vosref.propagation`: the energies, their minima, and the ways to them, on every namespace."""

import itertools

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import SEEDS, graphs, propagation_problems

from vosref.affinity import normalised_affinity
from vosref.propagation import (
    alpha_from_mu,
    closed_form,
    energy,
    minimise_labelled,
    online_energy,
    propagate_iterative,
    propagate_online,
    propagate_released,
    softmax_vote,
)

MU = st.floats(0.05, 5.0)


@given(graph=graphs(), mu=MU, seed=SEEDS)
def test_the_energy_equals_the_oracle_with_both_second_sums(xp, graph, mu, seed):
    w, labels, labelled = graph
    prediction = np.random.default_rng(seed).random(labels.shape)
    over_all = energy(*map(xp.asarray, (prediction, w, labels)), mu=mu)
    over_labelled = energy(*map(xp.asarray, (prediction, w, labels, labelled)), mu=mu)
    assert_allclose(float(over_all), oracles.energy(prediction, w, labels, mu), rtol=1e-12)
    assert_allclose(float(over_labelled), oracles.energy(prediction, w, labels, mu, labelled), rtol=1e-12)


@given(graph=graphs(), mu=MU, seed=SEEDS, size=st.floats(1e-3, 1.0))
def test_the_closed_form_is_the_minimiser_of_the_printed_energy(xp, graph, mu, seed, size):
    w, labels, _ = graph
    s = normalised_affinity(xp.asarray(w))
    best = xp.to_numpy(closed_form(s, xp.asarray(labels), alpha=alpha_from_mu(mu)))
    aside = best + size * np.random.default_rng(seed).standard_normal(best.shape)
    at_best = float(energy(*map(xp.asarray, (best, w, labels)), mu=mu))
    assert float(energy(*map(xp.asarray, (aside, w, labels)), mu=mu)) > at_best
    # Where α is the paper's μ / (μ + 1), another point is better: the misprint of specs errata 5.
    misprint = xp.to_numpy(closed_form(s, xp.asarray(labels), alpha=mu / (mu + 1)))
    if abs(mu / (mu + 1) - alpha_from_mu(mu)) > 0.01:
        assert float(energy(*map(xp.asarray, (misprint, w, labels)), mu=mu)) > at_best


@given(graph=graphs(), mu=MU, seed=SEEDS)
def test_the_labelled_sum_has_its_own_minimiser(xp, graph, mu, seed):
    w, labels, labelled = graph
    s = normalised_affinity(xp.asarray(w))
    best = xp.to_numpy(minimise_labelled(s, xp.asarray(labels), xp.asarray(labelled), mu=mu))
    aside = best + 0.01 * np.random.default_rng(seed).standard_normal(best.shape)

    def at(prediction):
        return float(energy(*map(xp.asarray, (prediction, w, labels, labelled)), mu=mu))

    assert at(aside) > at(best)


@given(graph=graphs(), alpha=st.floats(0.1, 0.95))
def test_the_iteration_goes_to_the_closed_form_and_the_energy_never_rises(xp, graph, alpha):
    w, labels, _ = graph
    s, y = normalised_affinity(xp.asarray(w)), xp.asarray(labels)
    limit, report = propagate_iterative(s, y, alpha=alpha, max_iterations=2000, tolerance=1e-13)
    assert report.converged
    assert len(report.changes) == report.iterations
    assert_allclose(xp.to_numpy(limit), xp.to_numpy(closed_form(s, y, alpha=alpha)), atol=1e-10)
    mu, energies = 2 / alpha - 2, []
    for n in range(6):
        current, _ = propagate_iterative(s, y, alpha=alpha, max_iterations=n, tolerance=0.0)
        energies.append(float(energy(current, xp.asarray(w), y, mu=mu)))
    assert all(later <= earlier * (1 + 1e-12) for earlier, later in itertools.pairwise(energies))


@given(graph=graphs())
def test_the_iteration_equals_the_oracle_and_says_when_it_did_not_rest(xp, graph):
    w, labels, _ = graph
    s = normalised_affinity(xp.asarray(w))
    got, report = propagate_iterative(s, xp.asarray(labels), alpha=0.9, max_iterations=4, tolerance=0.0)
    expected = oracles.propagate_iterative(xp.to_numpy(s).tolist(), labels.tolist(), 0.9, 4)
    assert_allclose(xp.to_numpy(got), expected, atol=1e-13)
    assert (report.iterations, report.converged) == (4, False)


def test_mu_becomes_alpha_under_each_convention():
    assert alpha_from_mu(2.0) == 0.5
    assert alpha_from_mu(1.0, convention="zhou") == 0.5
    assert_allclose(alpha_from_mu(2 / 99), 0.99)
    with pytest.raises(ValueError, match="mu must be positive, got 0"):
        alpha_from_mu(0)
    with pytest.raises(ValueError, match='convention must be "printed" or "zhou", got \'paper\''):
        alpha_from_mu(1, convention="paper")


@given(problem=propagation_problems())
def test_the_online_step_is_s_times_y(xp, problem):
    query, references, labels, options = problem
    got = xp.to_numpy(propagate_online(*map(xp.asarray, (query, references, labels)), **options))
    s = oracles.normalised_affinity(_affinity(query, references, options))
    assert_allclose(got, oracles.propagate_online(s, labels.reshape(-1, labels.shape[2])), rtol=1e-9, atol=1e-12)


@given(problem=propagation_problems(), seed=SEEDS)
def test_the_online_step_minimises_the_online_energy(xp, problem, seed):
    query, references, labels, options = problem
    w, flat = np.asarray(_affinity(query, references, options)), labels.reshape(-1, labels.shape[2])
    best = xp.to_numpy(propagate_online(*map(xp.asarray, (query, references, labels)), **options))
    aside = best + 0.05 * np.random.default_rng(seed).standard_normal(best.shape)
    at_best, at_aside = (float(online_energy(*map(xp.asarray, (p, w, flat)))) for p in (best, aside))
    assert_allclose(at_best, oracles.online_energy(best, w, flat), rtol=1e-9, atol=1e-12)
    assert at_best < at_aside


@given(problem=propagation_problems())
def test_the_released_step_equals_the_oracle_and_its_rows_sum_to_at_most_1(xp, problem):
    query, references, labels, options = problem
    got = xp.to_numpy(propagate_released(*map(xp.asarray, (query, references, labels)), **options))
    assert_allclose(got, oracles.propagate_released(query, references, labels, **options), rtol=1e-10, atol=1e-13)
    assert got.sum(axis=1).max() <= 1 + 1e-12


@given(problem=propagation_problems())
def test_the_softmax_vote_is_the_released_step_without_its_spatial_term(xp, problem):
    query, references, labels, options = problem
    flat, flat_labels = references.reshape(-1, query.shape[1]), labels.reshape(-1, labels.shape[2])
    vote = softmax_vote(*map(xp.asarray, (query, flat, flat_labels)), temperature=options["temperature"])
    options = {**options, "sigma": (float("inf"),) * len(references)}
    step = propagate_released(*map(xp.asarray, (query, references, labels)), **options)
    expected = oracles.softmax_vote(query, flat, flat_labels, options["temperature"])
    assert_allclose(xp.to_numpy(vote), expected, rtol=1e-10, atol=1e-13)
    assert_allclose(xp.to_numpy(step), expected, rtol=1e-10, atol=1e-13)


@pytest.mark.parametrize("propagate", [propagate_released, propagate_online])
@given(problem=propagation_problems(), order=st.permutations(range(3)))
def test_permuting_objects_permutes_columns(xp, propagate, problem, order):
    query, references, labels, options = problem
    order = [k for k in order if k < labels.shape[2]]
    one = xp.to_numpy(propagate(*map(xp.asarray, (query, references, labels)), **options))
    other = xp.to_numpy(propagate(*map(xp.asarray, (query, references, labels[:, :, order])), **options))
    assert_allclose(other, one[:, order], rtol=1e-12)


@given(problem=propagation_problems(), seed=SEEDS)
def test_a_constant_added_to_a_targets_logits_leaves_the_released_step_alone(xp, problem, seed):  # specs TVOS §6.4
    query, references, labels, options = problem
    constant = np.random.default_rng(seed).uniform(-5, 5, (len(query), 1))
    shifted = (
        np.concatenate([query, constant], axis=1),
        np.concatenate([references, np.ones_like(references[..., :1])], 2),
    )
    got = xp.to_numpy(propagate_released(*map(xp.asarray, (*shifted, labels)), **options))
    expected = xp.to_numpy(propagate_released(*map(xp.asarray, (query, references, labels)), **options))
    # A logit moves by at most 25 and by some 2^-53 of that and of itself, below 500: 1e-12 bounds it with room.
    assert_allclose(got, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("propagate", [propagate_released, propagate_online])
def test_logits_far_beyond_the_exponential_neither_overflow_nor_vanish(xp, propagate):
    query = np.asarray([[40.0, 0.0], [0.0, 40.0]])  # w = exp(1600)
    labels = np.eye(2)[None]
    got = xp.to_numpy(propagate(*map(xp.asarray, (query, query[None], labels)), grid=(1, 2), sigma=(8.0,)))
    assert_allclose(got, np.eye(2), atol=1e-12)


@pytest.mark.parametrize("propagate", [propagate_released, propagate_online])
@given(problem=propagation_problems())
def test_frames_may_come_one_by_one_or_in_one_array(xp, propagate, problem):
    query, references, labels, options = problem
    whole = propagate(*map(xp.asarray, (query, references, labels)), **options)
    apart = (tuple(map(xp.asarray, frames)) for frames in (references, labels))
    assert np.array_equal(xp.to_numpy(propagate(xp.asarray(query), *apart, **options)), xp.to_numpy(whole))


@pytest.mark.parametrize("propagate", [propagate_released, propagate_online])
def test_wrong_shapes_are_refused_by_definition_and_twin(xp, propagate):
    q, r, y = (xp.asarray(np.ones(shape)) for shape in ((6, 2), (1, 6, 2), (1, 6, 1)))
    with pytest.raises(ValueError, match=r"must be \(pixels, D\), got \(6, 2\) and \[\(6, 1\)\]"):
        propagate(q, r[:, :, :1], y, grid=(2, 3), sigma=(8.0,))
    with pytest.raises(ValueError, match="one width a reference frame, 1, got 2"):
        propagate(q, r, y, grid=(2, 3), sigma=(8.0, 8.0))
    with pytest.raises(ValueError, match="the grid's 2x2 pixels, got 6"):
        propagate(q, r, y, grid=(2, 2), sigma=(8.0,))


def test_alpha_outside_0_to_1_is_refused(xp):
    s, y = xp.asarray(np.eye(2)), xp.asarray(np.ones((2, 1)))
    for alpha in (0.0, 1.0):
        with pytest.raises(ValueError, match=f"alpha must lie between 0 and 1, got {alpha}"):
            closed_form(s, y, alpha=alpha)


def _affinity(query, references, options):
    grid, tau = options["grid"], options["temperature"]
    cells = [(i // grid[1], i % grid[1]) for i in range(len(query))]
    blocks = [
        oracles.affinity(query, f, cells, cells, s, tau) for f, s in zip(references, options["sigma"], strict=True)
    ]
    return [[w for block in blocks for w in block[i]] for i in range(len(query))]

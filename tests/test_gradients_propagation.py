"""`vosref.gradients.propagation` against differences of the definitions, against torch, and over tiles."""

import numpy as np
import pytest
from derivatives import assert_slopes, torch, torch_gradients
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import SEEDS, propagation_problems
from test_matching import peak_of

from vosref.gradients import propagate_online_vjp, propagate_released_vjp, softmax_vote_vjp
from vosref.propagation import propagate_online, propagate_released, softmax_vote

pytestmark = pytest.mark.usefixtures("definitions")

STEPS = pytest.mark.parametrize(
    ("step", "vjp", "normalised"),
    [(propagate_online, propagate_online_vjp, True), (propagate_released, propagate_released_vjp, False)],
    ids=["online", "released"],
)


def pulled(xp, vjp, *arrays, **options):
    """The three gradients, each one array."""
    d_query, d_references, d_labels = vjp(*map(xp.asarray, arrays), **options)
    if isinstance(d_references, tuple):
        return [xp.to_numpy(d_query), *(np.stack([xp.to_numpy(d) for d in part]) for part in (d_references, d_labels))]
    return [xp.to_numpy(d) for d in (d_query, d_references, d_labels)]


def drawn(seed, labels, pixels):
    """A cotangent, and labels that are not one-hot: gradients by labels must not care."""
    rng = np.random.default_rng(seed)
    return rng.standard_normal((pixels, labels.shape[-1])), labels + rng.standard_normal(labels.shape) / 2


def exponents(grid, sigma):
    y, x = np.divmod(np.arange(grid[0] * grid[1]), grid[1])
    squared = np.float64((y[:, None] - y[None, :]) ** 2 + (x[:, None] - x[None, :]) ** 2)
    return torch.from_numpy(np.concatenate([squared / s**2 for s in sigma], axis=1))


def plain_step(normalised, *, grid, sigma, temperature):
    """A step through the whole array of pairs; the online one by logarithms, as the energies are large."""
    exponent = exponents(grid, sigma)

    def step(query, references, labels):
        logits = temperature * query @ references.flatten(0, 1).T
        if normalised:
            log_w = logits - exponent
            weight = torch.exp(log_w - (log_w.logsumexp(1, keepdim=True) + log_w.logsumexp(0, keepdim=True)) / 2)
        else:
            weight = torch.softmax(logits, 1) * torch.exp(-exponent)
        return weight @ labels.flatten(0, 1)

    return step


def longest(x):
    return float(np.sqrt((x * x).sum(-1).max()))


def scales(g, query, references, labels, *, temperature, grid=(1, 1), sigma=(np.inf,)):
    """Size C of Σ g · ŷ, rate at which logits follow the arrays, and largest exponent of a weight.

    The rows of a result are sums of labels with weights whose squares sum to R at most; unit directions move logits by
    τ (|f_i| + |f_j| + 1), and labels by 1.
    """
    n_references = labels.size // labels.shape[-1]
    size = np.abs(g).sum() * n_references**0.5 * (1 + np.abs(labels).max())
    rate = 1 + temperature * (longest(query) + longest(references) + 1)
    exponent = temperature * longest(query) * longest(references) + sum(n * n for n in grid) / min(sigma) ** 2
    return size, rate, exponent


def rounding(*arrays, **options):
    """Largest error of an element of a gradient, in float64.

    It is a sum of terms whose absolute values sum to C · rate at most. A weight is off by as much as its logarithm is:
    its exponent, of (D + 2) u of itself, and the logarithms of the degrees, of that, of R u, and of 10 u; all that
    again for the sums. With D up to 6 and R up to 60, 128 (1 + exponent) u are enough; the same again for torch.
    """
    size, rate, exponent = scales(*arrays, **options)
    return 2 * 128 * (1 + exponent) * 2.0**-53 * size * rate


def assert_near(ours, theirs, bound):
    for a, b in zip(ours, theirs, strict=True):
        assert a.shape == b.shape
        assert np.abs(a - b).max() <= bound


@STEPS
@given(problem=propagation_problems(), seed=SEEDS)
def test_a_steps_gradient_is_torchs(xp, step, vjp, normalised, problem, seed):
    *arrays, options = problem
    g, arrays[2] = drawn(seed, arrays[2], len(arrays[0]))
    got = pulled(xp, vjp, g, *arrays, **options)
    assert_near(got, torch_gradients(plain_step(normalised, **options), g, *arrays), rounding(g, *arrays, **options))


@STEPS
@given(problem=propagation_problems(), seed=SEEDS)
def test_a_steps_gradient_is_its_slope(step, vjp, normalised, problem, seed):
    *arrays, options = problem
    g, arrays[2] = drawn(seed, arrays[2], len(arrays[0]))
    d_query, d_references, d_labels = vjp(g, *arrays, **options)
    size, rate, exponent = scales(g, *arrays, **options)
    # F is off by some 10 (1 + exponent) u of itself, 1e-15 (1 + exponent), and its differences by that over h.
    assert_slopes(
        lambda *a: step(*a, **options),
        g,
        arrays,
        [d_query, np.stack(d_references), np.stack(d_labels)],
        seed=seed,
        size=size,
        rate=rate,
        rounding=1e-9 + 1e-10 * exponent,
    )


@given(problem=propagation_problems(), seed=SEEDS)
def test_the_votes_gradient_is_torchs_and_its_slope(xp, problem, seed):
    query, references, labels, options = problem
    g, labels = drawn(seed, labels, len(query))
    arrays, tau = [query, *(a.reshape(-1, a.shape[2]) for a in (references, labels))], options["temperature"]
    got = pulled(xp, softmax_vote_vjp, g, *arrays, temperature=tau)
    expected = torch_gradients(lambda q, r, y: torch.softmax(tau * q @ r.T, 1) @ y, g, *arrays)
    assert_near(got, expected, rounding(g, *arrays, temperature=tau))
    size, rate, exponent = scales(g, *arrays, temperature=tau)
    assert_slopes(
        lambda *a: softmax_vote(*a, temperature=tau),
        g,
        arrays,
        got,
        seed=seed,
        size=size,
        rate=rate,
        rounding=1e-9 + 1e-10 * exponent,
    )


@STEPS
@settings(max_examples=6)
@given(problem=propagation_problems(), seed=SEEDS, memory=st.sampled_from([1, 1000, 5000]))
def test_tiles_move_a_steps_gradient_by_rounding_alone(xp, step, vjp, normalised, problem, seed, memory):
    *arrays, options = problem
    g, arrays[2] = drawn(seed, arrays[2], len(arrays[0]))
    one, tiled = (pulled(xp, vjp, g, *arrays, **options, **m) for m in ({}, {"memory": memory}))
    assert_near(tiled, one, rounding(g, *arrays, **options))


@settings(max_examples=6)
@given(problem=propagation_problems(), seed=SEEDS, memory=st.sampled_from([1, 1000]))
def test_a_vote_is_the_released_step_without_positions_however_it_is_tiled(xp, problem, seed, memory):
    query, references, labels, options = problem
    g, labels = drawn(seed, labels, len(query))
    options |= {"sigma": (np.inf,) * len(references)}
    flat = [a.reshape(-1, a.shape[2]) for a in (references, labels)]
    vote = pulled(xp, softmax_vote_vjp, g, query, *flat, temperature=options["temperature"], memory=memory)
    step = pulled(xp, propagate_released_vjp, g, query, references, labels, **options)
    assert_near(
        vote, [a.reshape(b.shape) for a, b in zip(step, vote, strict=True)], rounding(g, *problem[:3], **options)
    )


@STEPS
def test_references_come_as_a_sequence_or_as_one_array(xp, step, vjp, normalised):
    rng, options = np.random.default_rng(0), {"grid": (2, 3), "sigma": (2.0, 8.0)}
    g, query, references, labels = (rng.standard_normal(s) for s in ((6, 2), (6, 4), (2, 6, 4), (2, 6, 2)))
    whole = pulled(xp, vjp, g, query, references, labels, **options)
    parts = vjp(
        xp.asarray(g), xp.asarray(query), list(map(xp.asarray, references)), tuple(map(xp.asarray, labels)), **options
    )
    assert [type(part) for part in parts[1:]] == [tuple, tuple]
    assert np.array_equal(whole[1], np.stack([xp.to_numpy(d) for d in parts[1]]))
    assert np.array_equal(whole[2], np.stack([xp.to_numpy(d) for d in parts[2]]))


@STEPS
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_no_scale_of_the_embeddings_overflows_a_gradient(xp, step, vjp, normalised, dtype):
    rng, options = np.random.default_rng(0), {"grid": (2, 3), "sigma": (2.0, 8.0), "temperature": 3.0}
    arrays = [rng.standard_normal(s) for s in ((6, 2), (6, 4), (2, 6, 4), (2, 6, 2))]
    arrays[1:3] = (40 * a for a in arrays[1:3])  # logits of some 10 000, where exp overflows even in float64
    single = [a.astype(dtype) for a in arrays]
    got = pulled(xp, vjp, *single, **options)
    assert [a.dtype for a in got] == [dtype] * 3
    assert all(np.isfinite(a).all() for a in got)
    exact = torch_gradients(plain_step(normalised, **options), *(a.astype(np.float64) for a in single))
    assert_near(got, exact, rounding(*single, **options) * np.finfo(dtype).eps / np.finfo(np.float64).eps)


@STEPS
def test_a_step_that_gives_every_pixel_the_same_label_has_no_gradient_by_embeddings_without_positions(
    step, vjp, normalised
):
    rng, options = np.random.default_rng(0), {"grid": (2, 3), "sigma": (np.inf,)}
    g, query, references = (rng.standard_normal(s) for s in ((6, 1), (6, 4), (1, 6, 4)))
    d_query, (d_reference,), _ = vjp(g, query, references, np.ones((1, 6, 1)), **options)
    bound = rounding(g, query, references, np.ones((1, 6, 1)), temperature=1.0, **options)
    still = np.abs(d_query).max() <= bound and np.abs(d_reference).max() <= bound
    # A softmax's rows sum to 1 whatever the embeddings; S's do not.
    assert still == (not normalised)


@STEPS
def test_gradients_stay_within_their_memory_where_all_pairs_would_not(step, vjp, normalised):
    grid, budget, rng = (24, 40), 2**19, np.random.default_rng(2)
    query, references = (rng.standard_normal(s).astype(np.float32) for s in ((960, 4), (2, 960, 4)))
    g, labels = (rng.standard_normal(s).astype(np.float32) for s in ((960, 3), (2, 960, 3)))
    assert len(query) * 2 * len(query) * 4 > 5 * budget
    copies = 6 * (query.nbytes + references.nbytes + labels.nbytes)
    options = {"grid": grid, "sigma": (2.0, 8.0), "memory": budget}
    assert peak_of(vjp, g, query, references, labels, **options) <= budget + copies


@STEPS
def test_what_does_not_fit_is_refused(xp, step, vjp, normalised):
    g, query, references = (xp.asarray(np.ones(s)) for s in ((6, 2), (6, 4), (2, 6, 4)))
    labels, options = xp.asarray(np.ones((2, 6, 2))), {"grid": (2, 3), "sigma": (2.0, 8.0)}
    with pytest.raises(ValueError, match=r"^cotangent must have the result's shape \(6, 2\), got \(6, 1\)$"):
        vjp(g[:, :1], query, references, labels, **options)
    with pytest.raises(ValueError, match="^labels must be floating point to have a gradient, got "):
        vjp(g, query, references, xp.asarray(np.ones((2, 6, 2), int)), **options)
    with pytest.raises(ValueError, match="^sigma must have one width a reference frame, 2, got 1$"):
        vjp(g, query, references, labels, grid=(2, 3), sigma=(2.0,))
    with pytest.raises(ValueError, match="^memory must be a positive number of bytes, got 0$"):
        vjp(g, query, references, labels, memory=0, **options)

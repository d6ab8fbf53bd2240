"""What `vosref.train` computes besides networks: values against the definitions, gradients against these too.

A definition has no gradient, but differences: (f(x + h) - f(x - h)) / 2h in float64, off by h² of the third derivative
and by u/h of the value, 1e-9 or so with h = 1e-5 and functions of about 1.
"""

import os
import subprocess
import sys

import bounds
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from strategies import SEEDS, classified_pixels, matching_problems, window_problems

from vosref import losses, matching, propagation
from vosref.shapes import window_geometry

torch = pytest.importorskip("torch", reason="torch is not installed: training is not tested")

from vosref.train import depthwise, feelvos, tvos  # noqa: E402 - they need torch
from vosref.train import matching as twin  # noqa: E402

pytestmark = pytest.mark.usefixtures("definitions")

STEP = 1e-5
FLOAT32 = np.float32


def differences(f, x):
    """The gradient of a function of an array, by differences."""
    gradient = np.zeros_like(x)
    for i in np.ndindex(x.shape):
        ahead, behind = x.copy(), x.copy()
        ahead[i] += STEP
        behind[i] -= STEP
        gradient[i] = (f(ahead) - f(behind)) / (2 * STEP)
    return gradient


def gradient_of(f, *arrays):
    """The value of a function of tensors, and torch's gradients of it."""
    tensors = [torch.from_numpy(a.copy()).requires_grad_() for a in arrays]
    value = f(*tensors)
    if not value.requires_grad:  # nothing of it depends on them
        return float(value), [np.zeros_like(a) for a in arrays]
    gradients = torch.autograd.grad(value, tensors, allow_unused=True)
    return float(value.detach()), [
        np.zeros_like(a) if g is None else g.numpy() for a, g in zip(arrays, gradients, strict=True)
    ]


# ── depthwise ──


@st.composite
def depthwise_problems(draw):
    """Images (N, C, H, W), a kernel (C, 1, kh, kw), a bias or none, and stride, padding and dilation."""
    size, stride, dilation = (
        draw(st.sampled_from([(3, 3), (5, 5), (7, 7), (2, 3)])),
        draw(st.integers(1, 2)),
        draw(st.integers(1, 2)),
    )
    padding = tuple(draw(st.integers(0, dilation * (k - 1))) for k in size)
    least = [max(1, dilation * (k - 1) + 1 - 2 * p) for k, p in zip(size, padding, strict=True)]
    shape = (
        draw(st.integers(1, 2)),
        draw(st.sampled_from([1, 3, 16, 17, 34])),
        *(n + draw(st.integers(0, 4)) for n in least),
    )
    rng = np.random.default_rng(draw(SEEDS))
    x, kernel = rng.standard_normal(shape), rng.standard_normal((shape[1], 1, *size))
    bias = rng.standard_normal(shape[1]) if draw(st.booleans()) else None
    return *(None if a is None else a.astype(FLOAT32) for a in (x, kernel, bias)), (stride, padding, dilation)


@given(problem=depthwise_problems(), needs=st.booleans(), last=st.booleans(), seed=SEEDS)
def test_a_depthwise_layer_and_its_gradients_are_torchs_within_the_bound_of_their_sums(problem, needs, last, seed):
    """A sum of n products in float32, in any order, is off by γ_(n+2) of the sum of their absolute values."""
    x, kernel, bias, sampling = problem
    tensors = [torch.from_numpy(a) for a in (x, kernel) + (() if bias is None else (bias,))]
    tensors = [t.contiguous(memory_format=torch.channels_last) if t.ndim == 4 and last else t for t in tensors]
    tensors = [t.requires_grad_(needs or i > 0) for i, t in enumerate(tensors)]
    got = depthwise.depthwise_conv2d(*tensors, *([None] if bias is None else []), *sampling)
    pull = np.random.default_rng(seed).standard_normal(got.shape).astype(FLOAT32)
    trained = [t for t in tensors if t.requires_grad]
    gradients = dict(zip(map(id, trained), torch.autograd.grad(got, trained, torch.from_numpy(pull)), strict=True))

    def exact(x, kernel, bias, pull):
        wide = [
            torch.from_numpy(np.float64(a)).requires_grad_() for a in (x, kernel) + (() if bias is None else (bias,))
        ]
        y = torch.nn.functional.conv2d(*wide, *([None] if bias is None else []), *sampling, x.shape[1])
        found = torch.autograd.grad(y, wide, torch.from_numpy(np.float64(pull)))
        return [y.detach().numpy(), *(g.numpy() for g in found)]

    theirs = exact(x, kernel, bias, pull)
    sizes = exact(*(None if a is None else np.abs(a) for a in (x, kernel, bias, pull)))
    taps, pixels = kernel.shape[2] * kernel.shape[3], pull.size // x.shape[1]
    ours = [got.detach(), *(gradients.get(id(t)) for t in tensors)]
    for a, b, size, n in zip(ours, theirs, sizes, (taps + 1, taps, pixels, pixels), strict=False):
        if a is not None:
            assert a.dtype == torch.float32
            assert np.all(np.abs(a.numpy() - b) <= bounds.gamma(n + 2, FLOAT32) * size + np.finfo(FLOAT32).tiny)


def test_gradients_leave_torch_the_number_of_threads_that_it_was_given():
    """In a new process: Numba's threads, which share OpenMP's number with torch, begin once."""
    code = (
        "import torch; torch.set_num_threads(1); from vosref.train.depthwise import depthwise_conv2d;"
        "kernel = torch.ones(2, 1, 3, 3, requires_grad=True);"
        "depthwise_conv2d(torch.ones(1, 2, 4, 4), kernel, None, 1, (1, 1), 1).sum().backward();"
        "assert torch.get_num_threads() == 1"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_a_depthwise_kernel_that_is_frozen_passes_the_gradient_on():
    x, kernel = torch.ones(1, 2, 4, 4, requires_grad=True), torch.ones(2, 1, 3, 3)
    depthwise.depthwise_conv2d(x, kernel, None, 1, (1, 1), 1).sum().backward()
    assert x.grad[0, 0].tolist() == [[4, 6, 6, 4], [6, 9, 9, 6], [6, 9, 9, 6], [4, 6, 6, 4]]


def test_float64_goes_the_plain_way_and_passes_torchs_check_of_gradients():
    rng = np.random.default_rng(0)
    x, kernel = (torch.from_numpy(rng.standard_normal(s)).requires_grad_() for s in ((1, 2, 5, 4), (2, 1, 3, 3)))
    assert torch.autograd.gradcheck(lambda *a: depthwise.depthwise_conv2d(*a, None, 2, (1, 1), 1), (x, kernel))


def test_the_geometry_of_the_problems_above_is_that_of_the_definitions():
    pads, size = window_geometry((6, 7), (3, 3), stride=2, dilation=1, padding=((1, 1), (0, 0)))
    y = depthwise.depthwise_conv2d(torch.zeros(1, 1, 6, 7), torch.zeros(1, 1, 3, 3), None, 2, (1, 0), 1)
    assert (pads, tuple(y.shape[2:])) == (((1, 1), (0, 0)), size)


# ── matching ──


def matched_bound(query, reference):
    """Largest error of a distance of the pair that float32 takes for the nearest.

    Its expanded square is no larger than the true nearest's, each off by E: the pair is farther by 2E at most. Its own
    square, summed plainly, is off by less than E once more. The slope of tanh(x / 2) is ½ at most, and 8u its rounding.
    """
    most = bounds.distance_bound(query, reference, FLOAT32).max(axis=1, keepdims=True)
    return 3 * most / 2 + 8 * 2.0**-24


@given(problem=matching_problems(dtype=FLOAT32))
def test_global_distances_are_the_definitions(problem):
    expected = matching.global_matching(*(a.astype(np.float64) for a in problem))
    got = twin.global_matching(*(torch.from_numpy(a.astype(FLOAT32)) for a in problem)).numpy()
    assert got.dtype == FLOAT32
    assert np.all(np.abs(got - expected) <= matched_bound(*problem[:2]))
    assert np.all(got[:, ~problem[2].any(axis=0)] == 1)


@given(problem=window_problems(dtype=FLOAT32), rows=st.integers(1, 3))
def test_local_distances_are_the_definitions_however_many_rows_run_together(problem, rows):
    *arrays, options = problem
    expected = matching.local_matching(*(a.astype(np.float64) for a in arrays), **options)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(twin, "ROWS", rows)
        got = twin.local_matching(*(torch.from_numpy(a.astype(FLOAT32)) for a in arrays), **options).numpy()
    assert np.all(np.abs(got - expected) <= matched_bound(*arrays[:2]))
    assert np.all(got[expected == 1] == 1)


def dense(query, reference, labels, near=True):
    """Every pair's distance, and the least of each object: Eq. 1 to 4 as one would write them for autograd."""
    distance = 1 - 2 / (1 + torch.exp((query[:, None] - reference[None]).square().sum(2)))
    maps = torch.where(labels.T[:, None].bool() & near, distance[None], 1.0)
    return maps.amin(2).T


@given(problem=matching_problems(), seed=SEEDS)
def test_global_gradients_are_those_of_all_pairs_and_of_the_definitions_differences(problem, seed):
    query, reference, labels = problem
    pull, one_hot = np.random.default_rng(seed).standard_normal((len(query), labels.shape[1])), torch.from_numpy(labels)
    weighed = torch.from_numpy(pull)
    _, got = gradient_of(lambda q, r: (twin.global_matching(q, r, one_hot) * weighed).sum(), query, reference)
    _, every = gradient_of(lambda q, r: (dense(q, r, one_hot) * weighed).sum(), query, reference)
    by_steps = (
        differences(lambda q: np.sum(pull * matching.global_matching(q, reference, labels)), query),
        differences(lambda r: np.sum(pull * matching.global_matching(query, r, labels)), reference),
    )
    for ours, theirs, stepped in zip(got, every, by_steps, strict=True):
        assert_allclose(ours, theirs, rtol=0, atol=1e-12)
        assert_allclose(ours, stepped, rtol=0, atol=1e-7)


@given(problem=window_problems(), seed=SEEDS)
def test_local_gradients_are_those_of_all_pairs_in_the_window(problem, seed):
    query, previous, labels, options = problem
    one_hot = torch.from_numpy(labels)
    weighed = torch.from_numpy(np.random.default_rng(seed).standard_normal((len(query), labels.shape[1])))
    places = np.stack(np.unravel_index(np.arange(len(query)), options["grid"]), 1)
    near = np.abs(places[:, None] - places[None]).max(2) <= options["window_radius"]
    near = torch.from_numpy(near)
    _, got = gradient_of(lambda q, r: (twin.local_matching(q, r, one_hot, **options) * weighed).sum(), query, previous)
    _, every = gradient_of(lambda q, r: (dense(q, r, one_hot, near) * weighed).sum(), query, previous)
    for ours, theirs in zip(got, every, strict=True):
        assert_allclose(ours, theirs, rtol=0, atol=1e-12)


# ── losses ──


@st.composite
def snippets(draw, dtype=np.float64):
    """Embeddings (T, P, D) and one-hot labels (T, P, K), with pixels that have none and labels that few have."""
    t, p, d, k = (draw(st.integers(*ends)) for ends in ((2, 4), (1, 5), (1, 4), (1, 3)))
    rng, known = np.random.default_rng(draw(SEEDS)), draw(st.sampled_from([0.6, 1.0]))
    labels = np.eye(k)[rng.integers(0, k, (t, p))] * (rng.random((t, p)) < known)[:, :, None]
    return rng.standard_normal((t, p, d)).astype(dtype), labels.astype(dtype)


def defined_loss(embeddings, labels, temperature):
    """The definitions' loss; who has a label that no reference has is not judged."""
    query, reference = embeddings[-1], np.concatenate(embeddings[:-1])
    voters = np.concatenate(labels[:-1])
    votes = propagation.softmax_vote(query, reference, voters, temperature=temperature)
    return float(losses.transductive_loss(votes, labels[-1] * voters.max(axis=0))), votes


@given(snippet=snippets(FLOAT32), temperature=st.sampled_from([1.0, 3.0]))
def test_tvos_loss_is_the_definitions(snippet, temperature):
    """A vote is off by a share ρ of itself (`bounds.propagation_bound`), and its logarithm by -log(1 - ρ), and by 8u.

    A pixel whose label few vote for costs at most what no vote at all does, 14 log 10 < 33; a mean is off by P + 2 u.
    """
    embeddings = snippet[0]
    expected, votes = defined_loss(*(a.astype(np.float64) for a in snippet), temperature)
    got = tvos.transductive_loss(*map(torch.from_numpy, snippet), temperature=temperature)
    options = {"grid": (1, embeddings.shape[1]), "sigma": (np.inf,), "form": "released", "n_tiles": 1}
    flat = embeddings[:-1].reshape(1, -1, embeddings.shape[2])
    share = bounds.propagation_bound(1.0, embeddings[-1], flat, temperature=temperature, **options)
    bound = -np.log1p(-min(share, 0.9)) + bounds.gamma(8 + len(votes) + 2, FLOAT32) * 33
    assert got.dtype == torch.float32
    assert abs(float(got) - expected) <= bound


@given(snippet=snippets(), temperature=st.sampled_from([0.5, 2.0]))
def test_tvos_gradient_is_the_differences_of_the_definition_for_references_and_target_alike(snippet, temperature):
    embeddings, labels = snippet
    one_hot = torch.from_numpy(labels)
    value, (got,) = gradient_of(lambda x: tvos.transductive_loss(x, one_hot, temperature=temperature), embeddings)
    assert_allclose(value, defined_loss(embeddings, labels, temperature)[0], rtol=1e-9, atol=1e-12)
    stepped = differences(lambda x: defined_loss(x, labels, temperature)[0], embeddings)
    assert_allclose(got, stepped, rtol=1e-6, atol=1e-7)


def test_tvos_loss_of_a_target_without_labels_is_0_and_its_gradient_too():
    labels = torch.zeros(3, 2, 2, dtype=torch.float64)
    labels[:2, :, 0] = 1
    value, (gradient,) = gradient_of(lambda x: tvos.transductive_loss(x, labels), np.ones((3, 2, 4)))
    assert value == 0
    assert not gradient.any()


@given(pixels=classified_pixels(), data=st.data())
def test_the_cross_entropy_of_the_hardest_is_the_definitions_and_so_is_its_gradient(pixels, data):
    logits, labels = pixels
    n = data.draw(st.integers(1, len(labels)))
    truth = torch.from_numpy(labels)
    value, (gradient,) = gradient_of(
        lambda x: feelvos.bootstrapped_cross_entropy(x, truth, n_hardest=n), logits.astype(np.float64)
    )
    expected = float(losses.bootstrapped_cross_entropy(logits, labels, n_hardest=n))
    assert_allclose(value, expected, rtol=1e-13, atol=1e-13 * (1 + np.ptp(logits)))
    single = feelvos.bootstrapped_cross_entropy(torch.from_numpy(logits.astype(FLOAT32)), truth, n_hardest=n)
    spread = float(np.max(logits.max(axis=1) - logits.min(axis=1)))  # as in test_losses, twice for torch's own order
    rounding = 2 * (3 * spread + logits.shape[1] + 26) * 2.0**-24
    assert abs(float(single) - expected) <= rounding + bounds.gamma(2 * n + 2, FLOAT32) * expected
    hardest = np.sort(losses.cross_entropy(logits, labels))[::-1]
    if n == len(labels) or hardest[n - 1] - hardest[n] > 1e-3:  # else a step may exchange the last of the hardest
        stepped = differences(
            lambda x: float(losses.bootstrapped_cross_entropy(x, labels, n_hardest=n)), logits.astype(np.float64)
        )
        assert_allclose(gradient, stepped, rtol=1e-5, atol=1e-7)


def test_void_counts_as_a_pixel_without_loss():
    logits = torch.tensor([[0.0, 3.0], [1.0, 1.0], [2.0, 0.0]])
    judged = losses.cross_entropy(logits.numpy(), np.array([0, 1, 0]))
    got = feelvos.bootstrapped_cross_entropy(logits, torch.tensor([0, 255, 0]), n_hardest=3)
    assert_allclose(float(got), (judged[0] + judged[2]) / 3, rtol=1e-6)
    nothing = feelvos.bootstrapped_cross_entropy(logits, torch.tensor([255, 255, 255]), n_hardest=2)
    assert float(nothing) == 0

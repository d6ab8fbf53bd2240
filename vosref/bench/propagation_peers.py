"""TVOS's propagation as others would compute it, to be timed against; nothing else imports PyTorch for it.

Each function takes what the propagations of `vosref.propagation` take, and returns a function without arguments that
runs it once. What a user would keep between frames, such as tensors and spatial terms, is made beforehand.
"""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from vosref.bench import matching_peers

__all__ = ["PEERS", "available", "build", "priors", "released"]

Arrays = Sequence[np.ndarray]


def available(peer: str, /) -> bool:
    """Tell whether the library that a peer needs, if any, is installed."""
    return not peer.startswith("torch") or importlib.util.find_spec("torch") is not None


def build(
    peer: str, query: np.ndarray, references: Arrays, labels: Arrays, /, *, threads: int, passes: int, **options: Any
) -> Callable[[], np.ndarray]:
    """Return a function that runs a propagation once on a peer, one of `PEERS`, on so many threads.

    `passes` is how often `product` multiplies.
    """
    if peer == "product":
        run = product(query, references, labels, passes=passes)
    else:
        import torch  # noqa: PLC0415 - only to be timed against

        torch.set_num_threads(threads)
        run = PEERS[peer](query, references, labels, **options)
    return matching_peers.limited(run, threads)


def product(query: np.ndarray, references: Arrays, labels: Arrays, /, *, passes: int) -> Callable[[], np.ndarray]:
    """Multiply all pairs' embeddings and throw the products away, as often as there are passes over the pairs.

    What comes back is the last block of them, (n, R·N).
    """
    multiply = matching_peers.product(query, np.concatenate(references), np.concatenate(labels))

    def run() -> np.ndarray:
        for _ in range(passes):
            block = multiply()
        return block

    return run


def torch_released(
    query: np.ndarray, references: Arrays, labels: Arrays, /, *, grid: tuple[int, int], sigma: Sequence[float]
) -> Callable[[], np.ndarray]:
    """Affinities of all pairs in one tensor, softmax over the references, dense spatial terms [specs TVOS §2.4]."""
    import torch  # noqa: PLC0415

    target, history, seen = _tensors(query, references, labels)
    spatial = priors(grid, sigma)

    def run() -> np.ndarray:
        with torch.inference_mode():
            return released(target, history, seen, spatial).numpy()

    return run


def released(target: Any, history: Any, seen: Any, spatial: Sequence[Any], /, *, temperature: float = 1.0) -> Any:
    """Propagate as the released code does, operation by operation; it multiplies by the temperature even if that is 1.

    Parameters
    ----------
    target : tensor, shape (N, D)
    history, seen : tensor, shape (R·N, D) and (R·N, K)
        Embeddings and labels of the references.
    spatial : sequence of R tensors, shape (N, N)

    Returns
    -------
    tensor, shape (N, K)
    """
    s = history @ target.T
    s *= temperature
    s = s.softmax(0).view(len(spatial), len(target), len(target))  # [r, i, j] of reference i
    for r, term in enumerate(spatial):
        s[r] *= term
    return (seen.T @ s.view(-1, len(target))).T


def torch_sdpa(
    query: np.ndarray,
    references: Arrays,
    labels: Arrays,
    /,
    *,
    grid: tuple[int, int],  # noqa: ARG001 - the same arguments as the others'
    sigma: Sequence[float],  # noqa: ARG001
) -> Callable[[], np.ndarray]:
    """Fused attention with the labels as values: the softmax alone, without any spatial term.

    PyTorch fuses on a CPU only where values are as wide as queries, so zeros stand beside the labels; without them it
    takes longer.
    """
    import torch  # noqa: PLC0415
    from torch.nn import functional  # noqa: PLC0415

    target, history, seen = (a[None, None] for a in _tensors(query, references, labels))
    n_labels = seen.shape[-1]
    values = functional.pad(seen, (0, max(0, query.shape[1] - n_labels)))

    def run() -> np.ndarray:
        with torch.inference_mode():
            votes = functional.scaled_dot_product_attention(target, history, values, scale=1.0)
            return votes[0, 0, :, :n_labels].numpy()

    return run


def torch_paper(
    query: np.ndarray, references: Arrays, labels: Arrays, /, *, grid: tuple[int, int], sigma: Sequence[float]
) -> Callable[[], np.ndarray]:
    """S = D^-1/2 W D^-1/2 with W whole, as logarithms, which cannot overflow (TVOS's Eq. 4 and 6)."""
    import torch  # noqa: PLC0415

    target, history, seen = _tensors(query, references, labels)
    logarithms = exponents(grid, sigma)

    def run() -> np.ndarray:
        with torch.inference_mode():
            w = history @ target.T
            for r, term in enumerate(logarithms):
                w[r * len(target) : (r + 1) * len(target)] += term
            columns, rows = (w.logsumexp(axis, keepdim=True) for axis in (0, 1))
            return (w.sub_(columns / 2).sub_(rows / 2).exp_().T @ seen).numpy()

    return run


PEERS: dict[str, Callable[..., Callable[[], np.ndarray]]] = {
    "torch-released": torch_released,
    "torch-sdpa": torch_sdpa,
    "torch-paper": torch_paper,
    "product": product,
}


def priors(grid: tuple[int, int], sigma: Sequence[float], /) -> list[Any]:
    """Return the spatial term of every reference, (N, N) each, held once for each σ."""
    terms = {width: term.exp() for width, term in zip(sigma, exponents(grid, sigma), strict=True)}
    return [terms[width] for width in sigma]


def exponents(grid: tuple[int, int], sigma: Sequence[float], /) -> list[Any]:
    """Return the logarithm of every reference's spatial term, -d² / σ², held once for each σ."""
    import torch  # noqa: PLC0415

    y, x = (torch.from_numpy(axis.reshape(-1)) for axis in np.indices(grid, np.float32))
    squares = (y[:, None] - y) ** 2 + (x[:, None] - x) ** 2
    terms = {width: -squares / width**2 for width in set(sigma)}
    return [terms[width] for width in sigma]


def _tensors(query: np.ndarray, references: Arrays, labels: Arrays) -> tuple[Any, Any, Any]:
    import torch  # noqa: PLC0415

    return tuple(map(torch.from_numpy, (query, np.concatenate(references), np.concatenate(labels))))

"""FEELVOS's matching as others would compute it, to be timed against; nothing else imports faiss or PyTorch for it.

Each function takes what the matchings of `vosref.matching` take, and returns a function without arguments that runs it
once. What a user would keep between frames, such as tensors and an index of labels, is made beforehand.
"""

import importlib.util
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from threadpoolctl import ThreadpoolController

from vosref.blocks import rows_within, slices

__all__ = ["PEERS", "available", "build", "limited"]

FAR = 1e20  # what the released code pads an embedding with; its square is infinite in float32
BLOCK = 512  # query pixels a block: the product is no faster in larger ones
BAND_BYTES = 2**30  # of unfolded windows; those of a whole frame would take 10 GB


def available(peer: str, /) -> bool:
    """Tell whether the library that a peer needs, if any, is installed."""
    library = "faiss" if peer == "faiss" else "torch" if peer.startswith("torch") else None
    return library is None or importlib.util.find_spec(library) is not None


def build(
    peer: str, query: np.ndarray, reference: np.ndarray, labels: np.ndarray, /, *, threads: int, **options: Any
) -> Callable[[], np.ndarray]:
    """Return a function that runs a matching once on a peer, one of `PEERS`, on so many threads."""
    if peer.startswith("torch"):
        import torch  # noqa: PLC0415 - only to be timed against

        torch.set_num_threads(threads)
    elif peer == "faiss":
        _faiss_library().omp_set_num_threads(threads)
    return limited(PEERS[peer](query, reference, labels, **options), threads)


def limited(run: Callable[[], Any], threads: int, /) -> Callable[[], Any]:
    """Let every BLAS that is loaded, NumPy's or another library's own, run on so many threads."""
    controller = ThreadpoolController()

    def run_limited() -> Any:
        with controller.limit(limits=threads, user_api="blas"):
            return run()

    return run_limited


def faiss(query: np.ndarray, reference: np.ndarray, labels: np.ndarray, /) -> Callable[[], np.ndarray]:
    """Exact search in an index for each object, as the documentation has it."""
    library = _faiss_library()
    members = [np.flatnonzero(column) for column in labels.T]

    def run() -> np.ndarray:
        columns = []
        for member in members:
            index = library.IndexFlatL2(reference.shape[1])
            index.add(reference[member])
            columns.append(index.search(query, 1)[0][:, 0])  # the largest float where the object has no pixel
        return np.tanh(np.stack(columns, axis=1) / 2)

    return run


def product(query: np.ndarray, reference: np.ndarray, labels: np.ndarray, /) -> Callable[[], np.ndarray]:  # noqa: ARG001
    """Multiply all pairs' embeddings and throw the products away: what every expanded square needs at least.

    What comes back is the last block of them, (n, R).
    """
    held = np.empty((min(BLOCK, len(query)), len(reference)), query.dtype)

    def run() -> np.ndarray:
        for rows in slices(len(query), BLOCK):
            block = np.matmul(query[rows], reference.T, out=held[: rows.stop - rows.start])
        return block

    return run


def torch_slices(
    query: np.ndarray, previous: np.ndarray, labels: np.ndarray, /, *, grid: tuple[int, int], window_radius: int
) -> Callable[[], np.ndarray]:
    """Slices of the padded previous frame, one for each offset, stacked: the released form [specs FEELVOS §3.3]."""
    import torch  # noqa: PLC0415

    (here, there, label), n_objects = _frames(query, previous, labels, grid, window_radius), labels.shape[1]
    windows = _windows(grid, window_radius)

    def run() -> np.ndarray:
        with torch.inference_mode():
            squares = torch.stack([((here - there[window]) ** 2).sum(-1) for window in windows], -1)
            shifted = torch.stack([label[window] for window in windows], -1)
            return _nearest(torch.tanh(squares / 2), shifted, n_objects, axis=-1).reshape(-1, n_objects).numpy()

    return run


def torch_filled(
    query: np.ndarray, previous: np.ndarray, labels: np.ndarray, /, *, grid: tuple[int, int], window_radius: int
) -> Callable[[], np.ndarray]:
    """As `torch_slices`, but each slice's sums go to a place that is waiting for them.

    A list of them to stack makes glibc's allocator leave a hole of a frame's size after each, 10 GB in all, and often
    takes longer.
    """
    import torch  # noqa: PLC0415

    (here, there, label), n_objects = _frames(query, previous, labels, grid, window_radius), labels.shape[1]
    windows = _windows(grid, window_radius)

    def run() -> np.ndarray:
        with torch.inference_mode():
            squares = torch.empty((len(windows), *grid))
            for i, window in enumerate(windows):
                squares[i] = ((here - there[window]) ** 2).sum(-1)
            shifted = torch.stack([label[window] for window in windows])
            return _nearest(torch.tanh(squares / 2), shifted, n_objects, axis=0).reshape(-1, n_objects).numpy()

    return run


def torch_unfold(
    query: np.ndarray, previous: np.ndarray, labels: np.ndarray, /, *, grid: tuple[int, int], window_radius: int
) -> Callable[[], np.ndarray]:
    """All windows of a band of rows side by side, by PyTorch's own function for it."""
    import torch  # noqa: PLC0415
    from torch.nn import functional  # noqa: PLC0415

    (here, there, label), n_objects = _frames(query, previous, labels, grid, window_radius), labels.shape[1]
    side, depth = 2 * window_radius + 1, query.shape[1]
    here, there = (a.permute(2, 0, 1).contiguous() for a in (here, there))
    around = label.unfold(0, side, 1).unfold(1, side, 1)  # (h, w, side, side), a view
    high = rows_within(BAND_BYTES, 3 * here.element_size() * depth * side**2 * grid[1])  # with difference and square

    def run() -> np.ndarray:
        bands = []
        with torch.inference_mode():
            for rows in slices(grid[0], high):
                near = functional.unfold(there[None, :, rows.start : rows.stop + side - 1], side)
                near = near.reshape(depth, side**2, -1)
                squares = ((near - here[:, rows].reshape(depth, 1, -1)) ** 2).sum(0)
                shifted = around[rows].reshape(-1, side**2).T
                bands.append(_nearest(torch.tanh(squares / 2), shifted, n_objects, axis=0))
            return torch.cat(bands).numpy()

    return run


PEERS: dict[str, Callable[..., Callable[[], np.ndarray]]] = {
    "faiss": faiss,
    "product": product,
    "torch-slices": torch_slices,
    "torch-filled": torch_filled,
    "torch-unfold": torch_unfold,
}


def _faiss_library() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the age of its bindings
        import faiss as library  # noqa: PLC0415 - only to be timed against
    return library


def _frames(
    query: np.ndarray, previous: np.ndarray, labels: np.ndarray, grid: tuple[int, int], radius: int
) -> tuple[Any, Any, Any]:
    """Return tensors: the query (h, w, D), and the previous frame and its label map, padded; -1 is no object."""
    import torch  # noqa: PLC0415

    pads = ((radius, radius), (radius, radius))
    label = np.where(labels.any(axis=1), labels.argmax(axis=1), -1).astype(np.int32).reshape(grid)
    there = np.pad(previous.reshape(*grid, -1), (*pads, (0, 0)), constant_values=FAR)
    padded = (query.reshape(*grid, -1), there, np.pad(label, pads, constant_values=-1))
    return tuple(map(torch.from_numpy, padded))


def _windows(grid: tuple[int, int], radius: int) -> list[tuple[slice, slice]]:
    """Return the rows and columns that each offset takes from the padded frame."""
    (h, w), offsets = grid, range(2 * radius + 1)
    return [(slice(y, y + h), slice(x, x + w)) for y in offsets for x in offsets]


def _nearest(distance: Any, shifted: Any, n_objects: int, *, axis: int) -> Any:
    """Smallest distance to each object along the axis of offsets; 1 where the window has none of its pixels."""
    import torch  # noqa: PLC0415

    candidates = (torch.where(shifted == k, distance, 1.0).amin(axis) for k in range(n_objects))
    return torch.stack(list(candidates), -1)

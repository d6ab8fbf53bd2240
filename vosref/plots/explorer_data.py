"""The numbers of the page that explores an affinity: 16-bit embeddings, what that costs, degrees, small pictures."""

import base64
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from PIL import Image

from vosref.affinity import grid_positions
from vosref.backend import Array, array_namespace
from vosref.blocks import DEFAULT_MEMORY
from vosref.labels import to_mask
from vosref.pairs import Pairs, cover, log_sum, lowest
from vosref.plots.colours import object_colours
from vosref.plots.overlays import overlay
from vosref.plots.pages import data_uri

if TYPE_CHECKING:
    from vosref.runs.inspection import Inspection

__all__ = ["log_column_degrees", "page_data", "storage_error"]

_LARGEST_HALF = 65504.0
_SIDES = 960, 640  # pixels of the longer side, of the frame and of each reference frame
_QUALITY = 85  # of JPEG


def storage_error(query_norm: float, reference_norm: float, /, *, dimension: int, temperature: float) -> float:
    """Bound what a logit τ f · g is off by when f and g are stored as 16-bit floats.

    A component f_c is rounded by at most u|f_c| + s, with u = 2^-11 and, below the smallest normal number, s = 2^-25.
    Each of the two roundings then moves the dot product by at most u|f||g| + s√D times the other vector's length, by
    the inequality of Cauchy and Schwarz; their product adds terms of second order.

    Parameters
    ----------
    query_norm, reference_norm : float
        Lengths of f and of g.
    dimension : int
        D, the number of components.
    temperature : float
        τ.

    Returns
    -------
    float
        |Δ| ≤ τ ((2u + u²)|f||g| + s√D (1 + u)(|f| + |g|) + s²D). An affinity is then off by a factor e^Δ at most.

    Examples
    --------
    Unit vectors of 112 components under τ = 40: an affinity is off by 4 % at most.

    >>> error = storage_error(1.0, 1.0, dimension=112, temperature=40.0)
    >>> round(error, 4), round(math.expm1(error), 4)
    (0.0391, 0.0399)
    """
    u, s = 2.0**-11, 2.0**-25
    first = (2 * u + u * u) * query_norm * reference_norm
    second = s * math.sqrt(dimension) * (1 + u) * (query_norm + reference_norm)
    return temperature * (first + second + s * s * dimension)


def log_column_degrees(
    query: Array,
    references: Sequence[Array],
    /,
    *,
    grid: tuple[int, int],
    sigma: Sequence[float],
    temperature: float = 1.0,
    memory: int = DEFAULT_MEMORY,
) -> Array:
    """Logarithm of the degree d_j = Σ_i w_ij of every reference pixel, tile by tile.

    Parameters
    ----------
    query : array, shape (P, D)
        Embedding of the target frame.
    references : sequence of F arrays, shape (P, D)
    grid : (int, int)
        Height and width of the feature grid.
    sigma : sequence of F float
        Width of the spatial term for each reference frame, in cells.
    temperature : float
    memory : int
        Bytes of working memory beside inputs and output.

    Returns
    -------
    array, shape (F, P)
    """
    xp = array_namespace(query, *references)
    pairs = Pairs(query, tuple(references), grid_positions(grid, like=query), sigma, temperature)
    rows, columns = cover(query, references, sigma, memory, grid=grid)
    degree = [lowest(query, c) for _, c in columns]
    for r in rows:
        for j, (frame, c) in enumerate(columns):
            degree[j] = xp.logaddexp(degree[j], log_sum(pairs.log_affinity(r, frame, c), axis=0))
    return xp.reshape(xp.concat(degree), (len(references), -1))


def page_data(at: "Inspection", pixel: tuple[int, int], /) -> dict[str, Any]:
    """All that the page shows of a frame that TVOS has labelled, ready for JSON; references newest first.

    Raises
    ------
    ValueError
        If an embedding is too large for 16-bit floats.
    """
    query, config = np.asarray(at.query), at.config
    return {
        "title": at.title,
        "name": at.name,
        "t": at.t,
        "size": at.first_mask.shape,
        "grid": at.grid,
        "dimension": query.shape[1],
        "temperature": config.temperature,
        "propagation": config.propagation,
        "ids": at.ids,
        "colours": [_hex(object_colours(k)) for k in at.ids],
        "pixel": pixel,
        "error": _largest_error(at),
        "plasma": _plasma(),
        "query": _halves(query),
        "picture": _photo(at.frames[at.t], _SIDES[0]),
        "outline": _outline(at.step.mask, _SIDES[0]),
        "references": _references(at)[::-1],
    }


def _references(at: "Inspection") -> list[dict[str, Any]]:
    degrees: Any = [None] * len(at.references)
    if at.config.propagation == "paper":
        degrees = log_column_degrees(
            at.query,
            [seen.embedding for seen in at.references],
            grid=at.grid,
            sigma=[seen.sigma for seen in at.references],
            temperature=at.config.temperature,
            memory=at.config.memory,
        )
    return [
        {
            "t": seen.t,
            "name": at.names[seen.t],
            "sigma": seen.sigma if math.isfinite(seen.sigma) else None,  # JSON has no infinity
            "embedding": _halves(np.asarray(seen.embedding)),
            "labels": _singles(seen.labels),
            "degrees": None if degree is None else _singles(degree),
            "picture": _photo(at.frames[seen.t], _SIDES[1]),
            "outline": _outline(to_mask(seen.labels, ids=at.ids, grid=at.grid, size=at.first_mask.shape), _SIDES[1]),
        }
        for seen, degree in zip(at.references, degrees, strict=True)
    ]


def _largest_error(at: "Inspection") -> float:
    """Bound the error of every logit on the page."""
    query, *references = (float(_norms(e).max()) for e in (at.query, *(seen.embedding for seen in at.references)))
    return storage_error(query, max(references), dimension=at.query.shape[1], temperature=at.config.temperature)


def _norms(embedding: ArrayLike) -> NDArray[np.floating]:
    return np.linalg.norm(np.asarray(embedding, dtype=np.float64), axis=1)


def _halves(embedding: NDArray[np.floating]) -> str:
    if not (largest := float(np.abs(embedding).max())) <= _LARGEST_HALF:
        raise ValueError(f"embeddings must be at most {_LARGEST_HALF:g} to be stored as 16-bit floats, got {largest:g}")
    return _text(embedding.astype("<f2"))


def _singles(values: ArrayLike) -> str:
    return _text(np.asarray(values, dtype="<f4"))


def _text(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode()


def _plasma() -> str:
    """Colour map of affinities, 256 times red, green and blue."""
    from matplotlib import colormaps  # noqa: PLC0415 - heavy

    return _text(colormaps["plasma"](np.arange(256), bytes=True)[:, :3])


def _hex(colour: NDArray[np.uint8]) -> str:
    return "#" + colour.tobytes().hex()


def _photo(frame: ArrayLike, side: int) -> str:
    image = Image.fromarray(np.asarray(frame))
    image.thumbnail((side, side), Image.Resampling.LANCZOS)
    return data_uri(image, "jpeg", quality=_QUALITY, subsampling=0)


def _outline(ids: ArrayLike, side: int) -> str:
    """Contours of the objects in their colours, on a clear ground, as large as the picture that they are laid over."""
    small = Image.fromarray(np.asarray(ids))
    small.thumbnail((side, side), Image.Resampling.NEAREST)
    objects = np.asarray(small)
    lines = overlay(np.zeros((*objects.shape, 3), np.uint8), objects, alpha=0.0).any(axis=2)
    drawn = Image.fromarray(np.where(lines, objects, 0).astype(np.uint8))
    drawn.putpalette(object_colours(np.arange(int(objects.max()) + 1)).tobytes())
    return data_uri(drawn, "png", transparency=0)

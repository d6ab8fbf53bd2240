"""What the page that explores an affinity must show, computed densely in double precision."""

from typing import NamedTuple

import numpy as np

from vosref import tvos
from vosref.plots.explorer_data import log_column_degrees


class Seen(NamedTuple):
    """One cell's view of all reference frames, newest first: arrays (F, P) and (F, K)."""

    appearance: np.ndarray
    prior: np.ndarray
    affinity: np.ndarray  # appearance and affinity in units of the largest affinity
    parts: np.ndarray  # votes by frame and label


def stored(embedding):
    """An embedding as the page keeps it."""
    return np.asarray(embedding, np.float16).astype(np.float64)


def seen(at, cell):
    """Numbers of the page, from embeddings as they are stored there."""
    references = at.references[::-1]
    mine = stored(at.query)[cell[0] * at.grid[1] + cell[1]]
    logits = np.stack([at.config.temperature * (stored(r.embedding) @ mine) for r in references])
    rows, columns = np.indices(at.grid).reshape(2, -1)
    squared = (rows - cell[0]) ** 2 + (columns - cell[1]) ** 2
    prior = np.stack([np.exp(-squared / r.sigma**2) for r in references])
    w = np.exp(logits) * prior
    if at.config.propagation == "paper":
        weights = w / np.sqrt(w.sum() * np.exp(_log_degrees(at, references)))
    else:
        weights = w / np.exp(logits).sum()
    parts = np.stack([weight @ r.labels.astype(np.float64) for weight, r in zip(weights, references, strict=True)])
    return Seen(np.exp(logits) / w.max(), prior, w / w.max(), parts)


def run_votes(at, cell):
    """Votes that the run itself gives a cell, from its own embeddings."""
    embedding = at.query.reshape(*at.grid, -1)
    _, votes, _ = tvos.step(at.before.state, embedding, at.config)
    return votes[cell[0] * at.grid[1] + cell[1]]


def _log_degrees(at, references):
    options = {"grid": at.grid, "temperature": at.config.temperature, "sigma": [r.sigma for r in references]}
    return np.asarray(log_column_degrees(at.query, [r.embedding for r in references], **options), np.float64)

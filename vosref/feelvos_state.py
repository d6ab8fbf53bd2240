"""What FEELVOS remembers from frame to frame, and how an object enters that appears later."""

from typing import NamedTuple

from vosref.backend import Array, array_namespace, device
from vosref.feelvos_config import FeelvosConfig
from vosref.matching import global_matching

__all__ = ["FeelvosState", "add_pixels"]


class FeelvosState(NamedTuple):
    """The first frame, the previous one, and nothing else but the pixels by which later objects were given.

    Examples
    --------
    A frame of two pixels, background and an object, from which the method starts:

    >>> import numpy as np
    >>> import vosref
    >>> from vosref import feelvos
    >>> view = vosref.FeelvosView(np.array([[[0.0], [1.0]]]), size=(4, 8))
    >>> state = feelvos.init(view, np.eye(2), vosref.FeelvosConfig.nearest())
    >>> state.t, state.first[0].shape, state.first[1].shape
    (1, (2, 1), (2, 2))
    """

    first: tuple[Array, Array]  # embedding (R, D) and one-hot labels (R, K): P pixels, then those of later objects
    previous: tuple[Array, Array, Array]  # its embedding, its one-hot labels, and what the head sees of it (P, K)
    t: int  # number of the next frame; frame 0 is the annotated one


def add_pixels(state: FeelvosState, labels: Array, config: FeelvosConfig, /) -> FeelvosState:
    """Let objects enter that are given in the frame labelled last; neither paper nor released code can.

    What is given replaces what was predicted there. The objects' pixels join those of the first frame, to be matched
    globally from then on; other pixels of that frame do not, for their labels are predictions. The first frame may
    show the objects too, as background: its background pixels that are nearer to the new objects than to all else in
    the frame labelled last lose their label.

    Parameters
    ----------
    state : FeelvosState
    labels : array, shape (P, n)
        The n new objects on the grid of that frame, one-hot.
    config : FeelvosConfig

    Returns
    -------
    FeelvosState
        With n more columns in all labels, after those that it had.
    """
    xp, n = array_namespace(labels), labels.shape[1]
    (first, known), (previous, *predicted) = state.first, state.previous
    rest = 1 - xp.sum(labels, axis=1, keepdims=True)
    taken = tuple(xp.concat([p * rest, labels], axis=1) for p in predicted)
    if config.first_frame:
        distance = global_matching(first, previous, taken[0], memory=config.memory)
        nearer = xp.min(distance[:, -n:], axis=1) < xp.min(distance[:, :-n], axis=1)
        lost = xp.astype(nearer, known.dtype)[:, None] * known[:, :1]
        known = xp.concat([known[:, :1] - lost, known[:, 1:]], axis=1)
    shown = xp.nonzero(rest[:, 0] < 1)[0]
    pixels, theirs = xp.take(previous, shown, axis=0), xp.take(labels, shown, axis=0)
    left = xp.zeros((known.shape[0], n), dtype=known.dtype, device=device(known))
    below = xp.concat(
        [xp.zeros((theirs.shape[0], known.shape[1]), dtype=known.dtype, device=device(known)), theirs], axis=1
    )
    both = xp.concat([xp.concat([known, left], axis=1), below], axis=0)
    return FeelvosState((xp.concat([first, pixels], axis=0), both), (previous, *taken), state.t)

"""Which past frames a target frame looks at, and how far in space it trusts each of them [TVOS §3.3].

Frames are numbered from 0, the annotated one; everything here is plain integers and floats.
"""

__all__ = ["motion_prior", "reach", "reference_frames"]

FRAME_RULES = ("paper", "released", "uniform")
SIGMA_RULES = ("paper", "released", "single")


def reference_frames(t, /, *, rule="paper", n_recent=4, n_sparse=5, horizon=40):
    """Sample the frames that target frame `t` looks at: dense in the near past, sparse in the far [TVOS §3.3].

    Parameters
    ----------
    t : int
        Number of the target frame, 1 or more.
    rule : {"paper", "released", "uniform"}
        "paper": the `n_recent` frames before t, and `n_sparse` spread evenly over the rest of the `horizon` frames
        before t. "released": the sparse ones are spread from `horizon` frames before frame t - `n_recent` up to that
        frame, so they reach back to t - 44 and, from t = 45 on, never see frame 0 again [specs TVOS §2.3]. "uniform":
        all of them spread evenly over the `horizon` frames before t, the newest included (Table 2). Under each, while
        t is at most `n_recent` + `n_sparse`, every past frame is taken (the paper is silent).
    n_recent, n_sparse, horizon : int
        Numbers of frames; 4, 5 and 40 in the paper.

    Returns
    -------
    tuple of int
        Ascending, without repetition where the past is long enough.

    Examples
    --------
    >>> import vosref
    >>> vosref.reference_frames(50)
    (10, 18, 27, 36, 45, 46, 47, 48, 49)
    >>> vosref.reference_frames(50, rule="released")
    (6, 14, 22, 30, 38, 46, 47, 48, 49)
    >>> vosref.reference_frames(3)
    (0, 1, 2)
    """
    _check_rule(rule, FRAME_RULES)
    if t < 1 or n_recent < 1 or n_sparse < 0 or horizon < n_recent + n_sparse:
        raise ValueError(
            "t and n_recent must be 1 or more, n_sparse 0 or more and horizon at least n_recent + n_sparse, "
            f"got t={t}, n_recent={n_recent}, n_sparse={n_sparse}, horizon={horizon}"
        )
    if t <= n_recent + n_sparse:
        return tuple(range(t))
    if rule == "uniform":
        return (*_spread(max(t - horizon, 0), t - 1, n_recent + n_sparse)[:-1], t - 1)
    recent = tuple(range(t - n_recent, t))
    if rule == "paper":
        return _spread(max(t - horizon, 0), t - n_recent - 1, n_sparse) + recent
    # The released code draws n_sparse + 1 points whose last is the first recent frame.
    newest = t - n_recent
    return _spread(max(newest - horizon, 0), newest, n_sparse + 1)[:-1] + recent


def motion_prior(frames, t, /, *, rule="paper", n_recent=4, sigma_recent=8.0, sigma_distant=21.0):
    """Choose the width σ of the spatial term for each reference frame: the motion prior [TVOS §3.3].

    Parameters
    ----------
    frames : sequence of int
        Reference frames, ascending, all before t.
    t : int
        Number of the target frame.
    rule : {"paper", "released", "single"}
        "paper": `sigma_recent` for the `n_recent` frames before t, `sigma_distant` for the others. "released": likewise
        from t = 16 on, but `sigma_recent` for every frame while t is 15 or less [specs TVOS §2.4].
        "single": `sigma_recent` for every frame, what Table 2 most likely means by no motion prior [specs TVOS §4, 19].
    n_recent : int
        Frames that count as recent.
    sigma_recent, sigma_distant : float
        In cells of the feature grid (8 pixels each).

    Returns
    -------
    tuple of float
        One σ for each frame, in cells.

    Examples
    --------
    >>> import vosref
    >>> vosref.motion_prior((10, 19, 46, 47, 48, 49), 50)
    (21.0, 21.0, 8.0, 8.0, 8.0, 8.0)
    >>> vosref.motion_prior((0, 8, 9), 10, rule="released")
    (8.0, 8.0, 8.0)
    """
    _check_rule(rule, SIGMA_RULES)
    if rule == "single" or (rule == "released" and t <= 15):
        return (sigma_recent,) * len(frames)
    return tuple(sigma_recent if frame >= t - n_recent else sigma_distant for frame in frames)


def reach(*, rule="paper", n_recent=4, horizon=40):
    """Count the past frames that any later target can still look at: what a running state must hold."""
    _check_rule(rule, FRAME_RULES)
    return horizon + n_recent if rule == "released" else horizon


def _spread(first, last, count):
    """Return `count` frames spread evenly from `first` to `last`, both included, rounded down."""
    if count == 1:
        return (first,)
    return tuple(first + i * (last - first) // (count - 1) for i in range(count))


def _check_rule(rule, rules):
    if rule not in rules:
        raise ValueError(f"rule must be one of {', '.join(rules)}, got {rule!r}")

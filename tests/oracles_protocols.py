"""What evaluators compute of a video, object by object, as their code is described: plain Python, one frame at a time.

A video is a list of frames, each a list of rows of ids. Each function returns {object: [J of every frame that counts]}.
"""

from oracles import region_similarity


def davis_2017(predictions, truths):
    """davis2017-evaluation, semi-supervised; "refused" where the prediction has more ids than the first true frame."""
    truths = [[[0 if k == 255 else k for k in row] for row in frame] for frame in truths]
    largest = max((k for row in truths[0] for k in row), default=0)
    inner = slice(1, -1) if len(truths) > 2 else slice(1, None)
    if max((k for frame in predictions[inner] for row in frame for k in row), default=0) > largest:
        return "refused"
    pairs = list(zip(predictions, truths, strict=True))[inner]
    return {k: [_score(p, t, k) for p, t in pairs] for k in range(1, largest + 1)}


def davis_2016(predictions, truths):
    """Everything that is not background is one object."""
    merged = [[[[int(k > 0) for k in row] for row in frame] for frame in video] for video in (predictions, truths)]
    inner = slice(1, -1) if len(truths) > 2 else slice(1, None)
    return {1: [_score(p, t, 1) for p, t in list(zip(*merged, strict=True))[inner]]}


def vos_benchmark(predictions, truths):
    """vos-benchmark: an object enters with the first frame in which either shows it; only true ids are reported."""
    inner = slice(1, -1) if len(truths) > 2 else slice(1, None)
    series = {}
    for p, t in list(zip(predictions, truths, strict=True))[inner]:
        for k in sorted(_ids(p) | _ids(t)):
            series.setdefault(k, [])
        for k, values in series.items():
            values.append(_score(p, t, k))
    return {k: series.get(k, []) for k in sorted(set().union(*map(_ids, truths)))}


def youtube_vos(predictions, truths):
    """Each object from the first frame that shows it, in which it is given, on."""
    found = {}
    for k in sorted(set().union(*map(_ids, truths))):
        first = next(t for t, frame in enumerate(truths) if k in _ids(frame))
        found[k] = [_score(p, t, k) for p, t in list(zip(predictions, truths, strict=True))[first:]]
    return found


def strict(predictions, truths):
    """As youtube_vos, with 0 for what is claimed too early, for objects that do not exist, and for missing masks."""
    found, true_ids = {}, set().union(*map(_ids, truths))
    for k in sorted(true_ids):
        first = next(t for t, frame in enumerate(truths) if k in _ids(frame))
        found[k] = []
        for t, (p, truth) in enumerate(zip(predictions, truths, strict=True)):
            early = t < first and p is not None and k in _ids(p)
            if early or t > first:
                found[k].append(0.0 if p is None else _score(p, truth, k))
    claimed = set().union(*(_ids(p) for p in predictions[1:] if p is not None)) - true_ids
    return found | {k: [0.0] * (len(truths) - 1) for k in sorted(claimed)}


def _ids(frame):
    return {k for row in frame for k in row} - {0}


def _score(prediction, truth, k):
    return region_similarity(*([[x == k for x in row] for row in frame] for frame in (prediction, truth)))

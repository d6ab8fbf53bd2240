"""The papers, one pixel at a time: plain Python from the text, importing nothing from vosref.

Every function takes nested lists (or anything indexed like them) and returns nested lists of floats.
"""

import math
import struct

# Evaluation [DAVIS]


def region_similarity(prediction, truth):  # DAVIS J
    pixels = [(bool(p), bool(t)) for rows in zip(prediction, truth, strict=True) for p, t in zip(*rows, strict=True)]
    union = sum(p or t for p, t in pixels)
    return sum(p and t for p, t in pixels) / union if union else 1.0


def boundary_map(mask):  # DAVIS F
    height, width = len(mask), len(mask[0])

    def on_boundary(y, x):
        if y == height - 1 and x == width - 1:
            neighbours = []
        elif y == height - 1:
            neighbours = [(y, x + 1)]
        elif x == width - 1:
            neighbours = [(y + 1, x)]
        else:
            neighbours = [(y, x + 1), (y + 1, x), (y + 1, x + 1)]
        return any(bool(mask[v][u]) != bool(mask[y][x]) for v, u in neighbours)

    return [[on_boundary(y, x) for x in range(width)] for y in range(height)]


def contour_accuracy(prediction, truth, tolerance=0.008):  # DAVIS F
    radius = tolerance if tolerance >= 1 else math.ceil(tolerance * math.sqrt(len(truth) ** 2 + len(truth[0]) ** 2))
    ours, theirs = (
        [(y, x) for y, row in enumerate(boundary_map(mask)) for x, marked in enumerate(row) if marked]
        for mask in (prediction, truth)
    )
    if not ours and not theirs:
        return 1.0

    def share(pixels, others, where_there_are_none):
        if not pixels:
            return where_there_are_none
        near = [any((y - v) ** 2 + (x - u) ** 2 <= radius**2 for v, u in others) for y, x in pixels]
        return sum(near) / len(near)

    precision, recall = share(ours, theirs, 1.0), share(theirs, ours, 1.0)
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def object_mean(series, exclude_ends=True):  # DAVIS: the mean over one object's frames, None where none is left
    frames = list(series)
    if exclude_ends:
        frames = frames[1:-1] if len(frames) > 2 else frames[1:]
    return sum(frames) / len(frames) if frames else None


# TVOS
def affinity(query, reference, query_position, reference_position, sigma, temperature=1.0):  # TVOS 6
    return [
        [
            math.exp(temperature * _dot(f_i, f_j)) * math.exp(-_squared_distance(loc_i, loc_j) / sigma**2)
            for f_j, loc_j in zip(reference, reference_position, strict=True)
        ]
        for f_i, loc_i in zip(query, query_position, strict=True)
    ]


def normalised_affinity(w):  # S = D^-1/2 W D^-1/2; a pixel of degree 0 stays isolated
    row = [sum(w_i) for w_i in w]
    column = [sum(w_i[j] for w_i in w) for j in range(len(w[0]))]
    return [
        [w[i][j] / math.sqrt(row[i] * column[j]) if row[i] * column[j] > 0 else 0.0 for j in range(len(column))]
        for i in range(len(row))
    ]


def energy(prediction, w, labels, mu, labelled=None):  # TVOS 1
    degree = [sum(w_i) for w_i in w]
    n, total = len(w), 0.0
    for i in range(n):
        for j in range(n):
            total += w[i][j] * sum(
                (a / math.sqrt(degree[i]) - b / math.sqrt(degree[j])) ** 2
                for a, b in zip(prediction[i], prediction[j], strict=True)
            )
    for i in range(n):
        if labelled is None or labelled[i]:
            total += mu * _squared_distance(prediction[i], labels[i])
    return total


def propagate_iterative(s, labels, alpha, iterations):  # TVOS 3
    current = labels
    for _ in range(iterations):
        current = [
            [
                alpha * sum(s[i][j] * current[j][k] for j in range(len(s))) + (1 - alpha) * labels[i][k]
                for k in range(len(labels[0]))
            ]
            for i in range(len(s))
        ]
    return current


def propagate_online(s, labels):  # TVOS 4
    return [[sum(s_i[j] * labels[j][k] for j in range(len(labels))) for k in range(len(labels[0]))] for s_i in s]


def online_energy(prediction, w, labels):  # TVOS 5
    row = [sum(w_i) for w_i in w]
    column = [sum(w_i[j] for w_i in w) for j in range(len(w[0]))]
    return sum(
        w[i][j]
        * sum(
            (a / math.sqrt(row[i]) - b / math.sqrt(column[j])) ** 2
            for a, b in zip(prediction[i], labels[j], strict=True)
        )
        for i in range(len(row))
        for j in range(len(column))
    )


def softmax_vote(query, reference, labels, temperature=1.0):  # TVOS 7
    everywhere = [1.0] * len(reference)
    return [_vote(f_i, reference, labels, everywhere, temperature) for f_i in query]


def transductive_loss(votes, labels, epsilon=0.0):  # TVOS 8: the sum over labelled pixels
    return sum(
        -math.log(vote + epsilon)
        for vote_i, y_i in zip(votes, labels, strict=True)
        for vote, y in zip(vote_i, y_i, strict=True)
        if y
    )


def propagate_released(query, references, labels, grid, sigma, temperature=1.0):  # specs TVOS §2.4
    flat = [f_j for frame in references for f_j in frame]
    flat_labels = [y_j for frame in labels for y_j in frame]
    out = []
    for i, f_i in enumerate(query):
        here = (i // grid[1], i % grid[1])
        prior = [
            math.exp(-_squared_distance(here, (j // grid[1], j % grid[1])) / sigma[frame] ** 2)
            for frame in range(len(references))
            for j in range(len(references[frame]))
        ]
        out.append(_vote(f_i, flat, flat_labels, prior, temperature))
    return out


def resize_bilinear(plane, height, width, align_corners=False):  # specs TVOS §2.2, FEELVOS §1.1: 2×2 taps
    def taps(i, n_out, n_in):
        if align_corners:
            centre = i * (n_in - 1) / (n_out - 1) if n_out > 1 else 0.0
        else:  # half-pixel centres, clamped
            centre = min(max((i + 0.5) * n_in / n_out - 0.5, 0.0), n_in - 1.0)
        below = math.floor(centre)
        return below, min(below + 1, n_in - 1), centre - below

    out = []
    for y in range(height):
        y0, y1, v = taps(y, height, len(plane))
        row = []
        for x in range(width):
            x0, x1, h = taps(x, width, len(plane[0]))
            above = plane[y0][x0] * (1 - h) + plane[y0][x1] * h
            under = plane[y1][x0] * (1 - h) + plane[y1][x1] * h
            row.append(above * (1 - v) + under * v)
        out.append(row)
    return out


def resize_nearest(plane, height, width):  # specs FEELVOS §1.1: TensorFlow's, aligned corners, in single precision
    def single(x):
        return struct.unpack("f", struct.pack("f", x))[0]

    def nearest(i, n_out, n_in):
        position = single(i * single((n_in - 1) / (n_out - 1))) if n_out > 1 else 0.0
        return min(math.floor(position + 0.5), n_in - 1)

    rows = [plane[nearest(y, height, len(plane))] for y in range(height)]
    return [[row[nearest(x, width, len(row))] for x in range(width)] for row in rows]


def _vote(f_i, reference, labels, prior, temperature):
    logits = [temperature * _dot(f_i, f_j) for f_j in reference]
    weights = [math.exp(logit - max(logits)) for logit in logits]
    return [
        sum(w * g * y[k] for w, g, y in zip(weights, prior, labels, strict=True)) / sum(weights)
        for k in range(len(labels[0]))
    ]


def _dot(a, b):
    return sum(x * y for x, y in zip(a, b, strict=True))


def _squared_distance(a, b):
    return sum((x - y) ** 2 for x, y in zip(a, b, strict=True))

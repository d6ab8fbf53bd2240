"""FEELVOS, one pixel at a time: plain Python from the text, importing nothing from vosref.

Every function takes nested lists (or anything indexed like them) and returns nested lists of floats.
"""

import math


def distance(p, q):  # FEELVOS 1
    return _normalised(_squared(p, q))


def global_matching(query, reference, labels, n_neighbours=1):  # FEELVOS 2, 3; more neighbours: specs FEELVOS §3.2
    out = []
    for p in query:
        row = []
        for k in range(len(labels[0])):
            nearest = sorted(_squared(p, q) for q, y in zip(reference, labels, strict=True) if y[k])[:n_neighbours]
            while nearest and len(nearest) < n_neighbours:
                nearest.append(max(nearest))
            row.append(_normalised(sum(nearest) / n_neighbours) if nearest else 1.0)
        out.append(row)
    return out


def local_matching(query, previous, labels, grid, window_radius=15):  # FEELVOS 4
    def neighbourhood(y, x):
        return [
            (v, u)
            for v in range(y - window_radius, y + window_radius + 1)
            for u in range(x - window_radius, x + window_radius + 1)
            if 0 <= v < grid[0] and 0 <= u < grid[1]
        ]

    out = []
    for i, p in enumerate(query):
        around = [v * grid[1] + u for v, u in neighbourhood(i // grid[1], i % grid[1])]
        out.append(
            [
                min((distance(p, previous[j]) for j in around if labels[j][k]), default=1.0)
                for k in range(len(labels[0]))
            ]
        )
    return out


def cross_entropy(logits, labels):  # -log softmax
    return [
        math.log(sum(math.exp(logit - row[label]) for logit in row)) for row, label in zip(logits, labels, strict=True)
    ]


def bootstrapped_cross_entropy(logits, labels, n_hardest):  # specs FEELVOS §5.3
    return sum(sorted(cross_entropy(logits, labels))[-n_hardest:]) / n_hardest


def _squared(p, q):
    return sum((a - b) ** 2 for a, b in zip(p, q, strict=True))


def _normalised(squared):
    return 1 - 2 / (1 + math.exp(min(squared, 700)))  # exp(700) is near the largest number, and far beyond d = 1

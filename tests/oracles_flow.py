"""Flow, one pixel at a time: plain Python from the paper's text, importing nothing from vosref."""

import math


def affinity_flow(query, reference, grid, sigma, temperature=1.0):  # TVOS §4.4
    cells = [(y, x) for y in range(grid[0]) for x in range(grid[1])]
    flow = []
    for f, (y, x) in zip(query, cells, strict=True):
        logarithms = [
            temperature * sum(a * b for a, b in zip(f, g, strict=True)) - ((y - v) ** 2 + (x - u) ** 2) / sigma**2
            for g, (v, u) in zip(reference, cells, strict=True)
        ]
        # Only ratios of similarities count, so the largest may stand for 1.
        largest = max(logarithms)
        similarity = [math.exp(w - largest) for w in logarithms]
        total = sum(similarity)
        down = sum(s / total * (y - v) for s, (v, _) in zip(similarity, cells, strict=True))
        right = sum(s / total * (x - u) for s, (_, u) in zip(similarity, cells, strict=True))
        flow.append([down, right])
    return flow

"""T and its steps by definition, one point at a time, in plain Python; J and F of one object are in `oracles`."""

import math
from functools import cache
from itertools import pairwise

import oracles

RINGS, SECTORS = (1 / 8, 1 / 4, 1 / 2, 1, 2), 12


def region_and_contour(prediction, truth, ids, tolerance):
    """J and F of each id, with everything else as background."""
    pairs = [[[[p == k for p in row] for row in mask] for mask in (prediction, truth)] for k in ids]
    return (
        [oracles.region_similarity(*pair) for pair in pairs],
        [oracles.contour_accuracy(*pair, tolerance) for pair in pairs],
    )


def inside(lines, height, width):
    """Pixels whose centre an odd number of sides has on its left."""

    def crossed(y, x):
        return sum(
            min(a[0], b[0]) < y + 0.5 < max(a[0], b[0]) and a[1] < x + 0.5 for line in lines for a, b in pairwise(line)
        )

    return [[crossed(y, x) % 2 == 1 for x in range(width)] for y in range(height)]


def simplified(line, tolerance):
    """Drop corners near the last one kept, then divide at the farthest one, the last of several, as long as needed."""
    kept = line[:1]
    for corner in line[1:-1]:
        if math.dist(corner, kept[-1]) >= tolerance:
            kept.append(corner)
    kept.append(line[-1])

    def divided(part):
        distances = [from_side(corner, part[0], part[-1]) for corner in part[1:-1]]
        if not distances or max(distances) <= tolerance:
            return [part[0]]
        farthest = max(i for i, d in enumerate(distances) if d >= max(distances) - 1e-12) + 1
        return divided(part[: farthest + 1]) + divided(part[farthest:])

    return [*divided(kept), line[-1]]


def from_side(point, a, b):
    length = math.dist(a, b)
    if length == 0:
        return math.dist(point, a)
    along = sum((p - s) * (e - s) for p, s, e in zip(point, a, b, strict=True)) / length**2
    share = min(max(along, 0), 1)
    return math.dist(point, [s + share * (e - s) for s, e in zip(a, b, strict=True)])


def mean_distance(points):
    return sum(math.dist(p, q) for p in points for q in points) / len(points) ** 2


def shape_contexts(points, scale):
    contexts = []
    for y, x in points:
        counts = [0] * (len(RINGS) * SECTORS)
        for v, u in points:
            ring = sum(math.dist((y, x), (v, u)) >= radius * scale for radius in RINGS)
            turn = math.atan2(v - y, u - x) / (2 * math.pi) % 1
            if ring < len(RINGS):
                # Coordinates are fractions, so that no direction but those along the axes is this near to a bin's edge.
                counts[SECTORS * ring + math.floor(SECTORS * turn + 1e-9) % SECTORS] += 1
        contexts.append(counts)
    return contexts


def context_cost(first, second):  # half of χ²
    g, h = ([count / sum(counts) for count in counts] for counts in (first, second))
    return sum((a - b) ** 2 / (a + b) for a, b in zip(g, h, strict=True) if a + b > 0) / 2


def least_path_cost(costs):
    """Over all paths from the first to the last cell; the first costs nothing."""

    @cache
    def to(y, x):
        if y == x == 0:
            return 0.0
        before = [(v, u) for v, u in ((y - 1, x - 1), (y - 1, x), (y, x - 1)) if v >= 0 and u >= 0]
        return costs[y][x] + min(to(*cell) for cell in before)

    return to(len(costs) - 1, len(costs[0]) - 1)


def bijective(pairs, costs):
    """The cheapest pair of each point of one outline, then of those the cheapest of each of the other's."""
    for side in (0, 1):
        best = {}
        for pair in pairs:
            if pair[side] not in best or costs[pair[0]][pair[1]] < costs[best[pair[side]][0]][best[pair[side]][1]]:
                best[pair[side]] = pair
        pairs = [best[k] for k in sorted(best)]
    return pairs

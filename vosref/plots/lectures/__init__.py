"""Figures for lectures and notebooks, in one style: panels of pictures and maps, charts, and marks on them.

`draw` lays panels and charts out in rows and returns a `Drawing`, which shows itself in a notebook:

    draw([picture(frame, "a frame", ids=mask), field(distance, "distance to it", scale="distance")])

An object has the colour of `plots.object_colours` in all of them.
"""

from vosref.plots.lectures.charts import Chart, bars, lines, points, steps
from vosref.plots.lectures.drawing import Drawing, draw
from vosref.plots.lectures.marks import arrows, box, links, outline, ring, words
from vosref.plots.lectures.panels import SCALES, Panel, Scale, field, matrix, picture

__all__ = [
    "SCALES",
    "Chart",
    "Drawing",
    "Panel",
    "Scale",
    "arrows",
    "bars",
    "box",
    "draw",
    "field",
    "lines",
    "links",
    "matrix",
    "outline",
    "picture",
    "points",
    "ring",
    "steps",
    "words",
]

"""Pictures: objects tinted over their frames, contact sheets, overlay videos, score and tuning curves.

An object keeps its colour everywhere (`object_colours`), so a curve and an outline of one colour are one object.
"""

from vosref.plots.colours import object_colours
from vosref.plots.curves import plot_curve, plot_scores
from vosref.plots.overlays import contact_sheet, overlay
from vosref.plots.videos import overlay_suffix, write_overlay_video

__all__ = [
    "contact_sheet",
    "object_colours",
    "overlay",
    "overlay_suffix",
    "plot_curve",
    "plot_scores",
    "write_overlay_video",
]

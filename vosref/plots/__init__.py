"""Pictures: overlays, contact sheets, videos, score, tuning and loss curves, and sheets of what a method saw.

An object keeps its colour everywhere (`object_colours`), so a curve and an outline of one colour are one object.
"""

from vosref.plots.affinity_sheets import Reference, central_pixel, pixel_affinity, plot_tvos
from vosref.plots.colours import object_colours
from vosref.plots.curves import plot_curve, plot_scores
from vosref.plots.explorer import write_explorer
from vosref.plots.flows import flow_colours, wheel
from vosref.plots.losses import plot_losses
from vosref.plots.overlays import contact_sheet, overlay
from vosref.plots.report import Clip, write_report
from vosref.plots.sheets import plot_feelvos
from vosref.plots.videos import overlay_suffix, write_overlay_video

__all__ = [
    "Clip",
    "Reference",
    "central_pixel",
    "contact_sheet",
    "flow_colours",
    "object_colours",
    "overlay",
    "overlay_suffix",
    "pixel_affinity",
    "plot_curve",
    "plot_feelvos",
    "plot_losses",
    "plot_scores",
    "plot_tvos",
    "wheel",
    "write_explorer",
    "write_overlay_video",
    "write_report",
]

"""Speed and accuracy as the two papers print them, for the plot of one against the other."""

from typing import NamedTuple

__all__ = ["PUBLISHED", "Published"]


class Published(NamedTuple):
    """A row of a table: how well and how fast a method was, on the hardware of whoever wrote it down."""

    method: str
    data: str  # "DAVIS 2016" or "DAVIS 2017", the validation set
    score: float  # J&F in [0, 1]
    seconds: float  # a frame
    tuned: bool  # on the first frame of every video, before it is followed
    source: str


_FEELVOS_2017 = "FEELVOS, Table 2"
_EXTRAPOLATED = "FEELVOS, Table 2 (time extrapolated there from DAVIS 2016)"
_FEELVOS_2016 = "FEELVOS, Table 4"
_TVOS_2017 = "TVOS, Table 3"

# Where both tables have a method with one time (OSMN is called Modulation in TVOS), it stands here once, as FEELVOS
# prints it; TVOS prints frames a second. OnAVOS stands twice: the tables differ by a factor of two.
PUBLISHED = (
    Published("FAVOS", "DAVIS 2016", 0.770, 0.6, False, _FEELVOS_2016),
    Published("PML", "DAVIS 2016", 0.774, 0.28, False, _FEELVOS_2016),
    Published("VideoMatch", "DAVIS 2016", 0.809, 0.32, False, _FEELVOS_2016),
    Published("RGMP (-sim. data)", "DAVIS 2016", 0.688, 0.14, False, _FEELVOS_2016),
    Published("RGMP", "DAVIS 2016", 0.818, 0.14, False, _FEELVOS_2016),
    Published("FEELVOS (-YTB-VOS)", "DAVIS 2016", 0.817, 0.45, False, _FEELVOS_2016),
    Published("FEELVOS", "DAVIS 2016", 0.817, 0.45, False, _FEELVOS_2016),
    Published("OnAVOS", "DAVIS 2016", 0.850, 13.0, True, _FEELVOS_2016),
    Published("PReMVOS", "DAVIS 2016", 0.868, 32.8, True, _FEELVOS_2016),
    Published("OSMN", "DAVIS 2017", 0.548, 0.28, False, _EXTRAPOLATED),
    Published("FAVOS", "DAVIS 2017", 0.582, 1.2, False, _EXTRAPOLATED),
    Published("VideoMatch", "DAVIS 2017", 0.624, 0.35, False, _FEELVOS_2017),
    Published("RGMP", "DAVIS 2017", 0.667, 0.28, False, _EXTRAPOLATED),
    Published("FEELVOS (-YTB-VOS)", "DAVIS 2017", 0.691, 0.51, False, _FEELVOS_2017),
    Published("FEELVOS", "DAVIS 2017", 0.715, 0.51, False, _FEELVOS_2017),
    Published("OnAVOS (26 s)", "DAVIS 2017", 0.636, 26.0, True, _FEELVOS_2017),
    Published("PReMVOS", "DAVIS 2017", 0.778, 37.6, True, _FEELVOS_2017),
    Published("OnAVOS (0.08 fps)", "DAVIS 2017", 0.636, 1 / 0.08, True, _TVOS_2017),
    Published("DyeNet", "DAVIS 2017", 0.691, 1 / 0.43, True, _TVOS_2017),
    Published("CNN-MRF", "DAVIS 2017", 0.707, 1 / 0.03, True, _TVOS_2017),
    Published("STM", "DAVIS 2017", 0.716, 1 / 6.25, False, _TVOS_2017),
    Published("STM + pretraining", "DAVIS 2017", 0.843, 1 / 6.25, False, _TVOS_2017),
    Published("TVOS", "DAVIS 2017", 0.723, 1 / 37, False, _TVOS_2017),
)

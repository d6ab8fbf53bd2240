"""The choices of TVOS: where the paper and its released code part, field by field."""

from typing import Any, NamedTuple

from vosref.blocks import DEFAULT_MEMORY
from vosref.options import named

__all__ = ["ABLATIONS", "CONFIGS", "EXPLAINED", "NOTES", "TvosConfig"]


class TvosConfig(NamedTuple):
    """The choices of TVOS. `paper()` and `released()` differ in the first four.

    Examples
    --------
    >>> import vosref
    >>> vosref.TvosConfig.paper().propagation, vosref.TvosConfig.released().feedback
    ('paper', 'hard')
    >>> vosref.TvosConfig.ablation("3 frames").n_recent
    3
    >>> vosref.TvosConfig.paper()._replace(horizon=20).horizon
    20
    """

    sampling: str = "released"  # which past frames: "paper", "released" or "uniform" (sampling.reference_frames)
    motion: str = "released"  # which σ each gets: "paper", "released" or "single" (sampling.motion_prior)
    propagation: str = "released"  # "paper": S = D^-1/2 W D^-1/2; "released": softmax, then the spatial term
    feedback: str = "hard"  # what later frames see of a prediction: "hard", "soft" or "literal"
    n_recent: int = 4  # consecutive frames before the target [TVOS §3.3]
    n_sparse: int = 5  # frames from the more distant past [TVOS §3.3]
    horizon: int = 40  # frames that the sample is taken from [TVOS §3.3]
    sigma_recent: float = 8.0  # cells of the grid, 8 pixels each [TVOS §3.3]
    sigma_distant: float = 21.0  # cells [TVOS §3.3]
    weights: str = "tvos-lite0"  # the embedding network: a name of the catalogue, or a file of weights under our names
    working_scale: float = 2.0  # the frame is enlarged so much before the network
    n_stages: int = 5  # stages of an EfficientNet-Lite; 5 end in 112 channels
    output_stride: int = 16  # of the network, on the enlarged frame: working_scale / output_stride = 1/8
    normalise: bool = True  # scale embeddings to length 1; False for the authors' networks
    temperature: float = 40.0  # multiplies dot products; goes with the weights, 1 for the authors' networks
    memory: int = DEFAULT_MEMORY  # bytes the propagation may work in

    @classmethod
    def paper(cls) -> "TvosConfig":
        """TVOS as the paper describes it."""
        return cls(sampling="paper", motion="paper", propagation="paper", feedback="soft")

    @classmethod
    def released(cls) -> "TvosConfig":
        """TVOS as the authors' code computes it."""
        return cls()

    @classmethod
    def ablation(cls, name: str, /) -> "TvosConfig":
        """One of `ABLATIONS`: a column of the paper's Table 2, as the released code runs it, or what the text varies.

        Without the motion prior one σ serves every frame: with no spatial term at all the released code loses 8 points,
        the paper one [specs TVOS §4, 19].
        """
        return cls()._replace(**named(ABLATIONS, "name", name))


# By name, what parts from the released configuration: Table 2 by its columns, then what the paper gives no number for.
ABLATIONS: dict[str, dict[str, Any]] = {
    "1 frame": {"motion": "single", "n_recent": 1, "n_sparse": 0},
    "3 frames": {"motion": "single", "n_recent": 3, "n_sparse": 0},
    "9 frames": {"motion": "single", "n_recent": 9, "n_sparse": 0},
    "uniform": {"motion": "single", "sampling": "uniform"},
    "sparse": {"motion": "single"},
    "sparse + motion": {},
    "soft labels": {"feedback": "soft"},
    "paper's S": {"propagation": "paper"},
    "paper's S, soft labels": {"propagation": "paper", "feedback": "soft"},
}
# What the values that `paper()` and `released()` choose mean, for people; `vosref protocols tvos` prints it.
EXPLAINED = {
    ("sampling", "paper"): "t-4 … t-1, and 5 frames spread over t-40 … t-5; frame 0 is never seen again from t = 41 on",
    ("sampling", "released"): "t-4 … t-1, and 5 frames spread from t-44; frame 0 is never seen again from t = 45 on",
    ("motion", "paper"): "σ = 8 cells for t-4 … t-1, 21 for the others",
    ("motion", "released"): "the same from t = 16 on; σ = 8 for every frame while t ≤ 15",
    ("sampling", "uniform"): "9 frames spread evenly over t-40 … t-1",
    ("motion", "single"): "σ = 8 cells for every frame",
    ("propagation", "paper"): "S = D^-1/2 W D^-1/2, W = appearance × spatial term (Eq. 4, 6)",
    ("propagation", "released"): "softmax of appearance over all references, then × spatial term, not renormalised",
    ("feedback", "soft"): "later frames see the soft labels ŷ, scaled to sum to 1",
    ("feedback", "hard"): "later frames see the one-hot argmax on the grid; frame 0 stays soft",
}
NOTES: dict[str, str] = {}  # what no setting decides, or both configurations alike
CONFIGS = {
    "released": TvosConfig.released,
    "paper": TvosConfig.paper,
    "ablation-1-frame": lambda: TvosConfig.ablation("1 frame"),
    "ablation-3-frames": lambda: TvosConfig.ablation("3 frames"),
    "ablation-9-frames": lambda: TvosConfig.ablation("9 frames"),
    "ablation-uniform": lambda: TvosConfig.ablation("uniform"),
    "ablation-sparse": lambda: TvosConfig.ablation("sparse"),
    "ablation-sparse-motion": lambda: TvosConfig.ablation("sparse + motion"),
    "ablation-soft-labels": lambda: TvosConfig.ablation("soft labels"),
    "ablation-paper-s": lambda: TvosConfig.ablation("paper's S"),
    "ablation-paper-s-soft-labels": lambda: TvosConfig.ablation("paper's S, soft labels"),
}

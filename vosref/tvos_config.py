"""The choices of TVOS: where the paper and its released code part, field by field."""

from typing import NamedTuple

from vosref.blocks import DEFAULT_MEMORY

__all__ = ["CONFIGS", "EXPLAINED", "NOTES", "TvosConfig"]


class TvosConfig(NamedTuple):
    """The choices of TVOS. `paper()` and `released()` differ in the first four."""

    sampling: str = "released"  # which past frames: "paper" or "released" (sampling.reference_frames)
    motion: str = "released"  # which σ each gets: "paper" or "released" (sampling.motion_prior)
    propagation: str = "released"  # "paper": S = D^-1/2 W D^-1/2; "released": softmax, then the spatial term
    feedback: str = "hard"  # what later frames see of a prediction: "hard", "soft" or "literal"
    n_recent: int = 4  # consecutive frames before the target [TVOS §3.3]
    n_sparse: int = 5  # frames from the more distant past [TVOS §3.3]
    horizon: int = 40  # frames that the sample is taken from [TVOS §3.3]
    sigma_recent: float = 8.0  # cells of the grid, 8 pixels each [TVOS §3.3]
    sigma_distant: float = 21.0  # cells [TVOS §3.3]
    weights: str = "lite0"  # the embedding network: a name of the catalogue, or a file that `vosref convert` wrote
    working_scale: float = 2.0  # the frame is enlarged so much before the network
    n_stages: int = 5  # stages of an EfficientNet-Lite; 5 end in 112 channels
    output_stride: int = 16  # of the network, on the enlarged frame: working_scale / output_stride = 1/8
    normalise: bool = True  # scale embeddings to length 1; False for a network trained with TVOS's loss
    temperature: float = 40.0  # multiplies dot products; 1 for a network trained with TVOS's loss
    memory: int = DEFAULT_MEMORY  # bytes the propagation may work in

    @classmethod
    def paper(cls) -> "TvosConfig":
        """TVOS as the paper describes it."""
        return cls(sampling="paper", motion="paper", propagation="paper", feedback="soft")

    @classmethod
    def released(cls) -> "TvosConfig":
        """TVOS as the authors' code computes it."""
        return cls()


# What the values that `paper()` and `released()` choose mean, for people; `vosref protocols tvos` prints it.
EXPLAINED = {
    ("sampling", "paper"): "t-4 … t-1, and 5 frames spread over t-40 … t-5; frame 0 is never seen again from t = 41 on",
    ("sampling", "released"): "t-4 … t-1, and 5 frames spread from t-44; frame 0 is never seen again from t = 45 on",
    ("motion", "paper"): "σ = 8 cells for t-4 … t-1, 21 for the others",
    ("motion", "released"): "the same from t = 16 on; σ = 8 for every frame while t ≤ 15",
    ("propagation", "paper"): "S = D^-1/2 W D^-1/2, W = appearance × spatial term (Eq. 4, 6)",
    ("propagation", "released"): "softmax of appearance over all references, then × spatial term, not renormalised",
    ("feedback", "soft"): "later frames see the soft labels ŷ, scaled to sum to 1",
    ("feedback", "hard"): "later frames see the one-hot argmax on the grid; frame 0 stays soft",
}
NOTES: dict[str, str] = {}  # what no setting decides, or both configurations alike
CONFIGS = {"released": TvosConfig.released, "paper": TvosConfig.paper}

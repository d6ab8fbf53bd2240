"""FEELVOS's choices: what paper and released code do, what Table 6 switches off, and deciding without a head."""

from typing import NamedTuple

from vosref.blocks import DEFAULT_MEMORY

__all__ = ["CONFIGS", "CUES", "EXPLAINED", "NOTES", "FeelvosConfig"]


class FeelvosConfig(NamedTuple):
    """The choices of FEELVOS. `paper()` and `released()` differ in `feedback` and `previous_labels`.

    Examples
    --------
    >>> import vosref
    >>> vosref.FeelvosConfig.paper().feedback, vosref.FeelvosConfig.released().feedback
    ('soft', 'hard')
    >>> vosref.FeelvosConfig.ablation(6).cues
    ('previous', 'local')
    >>> vosref.FeelvosConfig.released()._replace(window_radius=8).window_radius
    8
    """

    feedback: str = "hard"  # what the head sees of the previous frame: "soft" probabilities or "hard" one-hot labels
    previous_labels: str = "full"  # where the labels to match with are decided: on the "grid" or at "full" resolution
    first_frame: bool = True  # FF-GM: match globally to the first frame [FEELVOS 2]
    previous_frame: str = "local"  # PF-LM, "local" [FEELVOS 4]; PF-GM, "global" [FEELVOS 3]; or "none"
    previous_mask: bool = True  # PFP: the head sees the previous frame's prediction
    window_radius: int = 15  # k, cells of the stride-4 grid [FEELVOS §3]
    n_neighbours: int = 1  # of global matching; the released code offers the mean over more
    decision: str = "head"  # who decides: the "head", or the "nearest" neighbour's label
    missing_cues: str = "refuse"  # of a head that takes what is switched off: "refuse" it, or give what is "neutral"
    weights: str = "feelvos-lite0"  # a name of the catalogue, or a file of weights; for "nearest", also of an encoder
    output_stride: int = 8  # of the encoder: 16 in the released training, 8 in its evaluation
    embedding_relu: bool = True  # rectify in the embedding layers; goes with the weights
    head_relu: bool = True  # rectify between a depthwise layer of the head and its pointwise one; goes with the weights
    input_order: str = "released"  # of the head's input channels in the weights: "released" or "paper"
    working_scale: float = 2.0  # of a transferred embedding: the frame is enlarged so much before the encoder
    n_stages: int = 5  # of a transferred embedding: stages of an EfficientNet-Lite
    transfer_stride: int = 16  # of a transferred embedding's encoder, on the enlarged frame; resized to stride 4 then
    normalise: bool = True  # of a transferred embedding: scale it to length 1
    memory: int = DEFAULT_MEMORY  # bytes the matching may work in

    @classmethod
    def paper(cls) -> "FeelvosConfig":
        """FEELVOS as the paper describes it."""
        return cls(feedback="soft", previous_labels="grid")

    @classmethod
    def released(cls) -> "FeelvosConfig":
        """FEELVOS as the authors' code computes it."""
        return cls()

    @classmethod
    def ablation(cls, line: int, /) -> "FeelvosConfig":
        """One line, 1 to 6, of the paper's Table 6, as the released code runs it.

        A head trained without a cue takes a channel less, so each set of `cues` needs weights of its own; or, with
        `missing_cues` "neutral", a head trained with all three is told that nothing is near and nothing was predicted.
        Without matching to the previous frame (line 3) the released code feeds back soft probabilities.
        """
        lines = {
            1: cls(),
            2: cls(previous_frame="global"),
            3: cls(previous_frame="none", feedback="soft"),
            4: cls(previous_frame="none", previous_mask=False),
            5: cls(previous_mask=False),
            6: cls(first_frame=False),
        }
        if line not in lines:
            raise ValueError(f"line must be 1 to 6, got {line}")
        return lines[line]

    @classmethod
    def nearest(cls, matching: str = "both", /) -> "FeelvosConfig":
        """Nearest-neighbour matching as the decision, as in PML, without a head: what the paper compares itself with.

        Not FEELVOS: each pixel takes the label of the nearest reference pixel, in the first frame ("global"), in a
        window of the previous one ("local"), or in "both". It runs on the embedding of the weights that come with
        vosref, and on any encoder by name or file, such as "lite0".
        """
        if matching not in ("both", "global", "local"):
            raise ValueError(f'matching must be "both", "global" or "local", got {matching!r}')
        return cls(
            decision="nearest",
            previous_labels="grid",
            first_frame=matching != "local",
            previous_frame="none" if matching == "global" else "local",
        )

    @property
    def taken(self) -> tuple[str, ...]:
        """Names of the channels that the head takes beside the features: `cues`, or all where some are neutral."""
        return CUES if self.missing_cues == "neutral" else self.cues

    @property
    def cues(self) -> tuple[str, ...]:
        """Names of the head's input channels that differ by object, in the released order."""
        switches = {
            "global": self.first_frame,
            "previous": self.previous_mask,
            "local": self.previous_frame != "none",
        }
        return tuple(name for name, on in switches.items() if on)


CUES = ("global", "previous", "local")  # what a head takes beside the features, in the released order
CONFIGS = {
    "released": FeelvosConfig.released,
    "paper": FeelvosConfig.paper,
    "nearest": FeelvosConfig.nearest,
    "nearest-global": lambda: FeelvosConfig.nearest("global"),
    "nearest-local": lambda: FeelvosConfig.nearest("local"),
    "ablation-1": lambda: FeelvosConfig.ablation(1),
    "ablation-2": lambda: FeelvosConfig.ablation(2),
    "ablation-3": lambda: FeelvosConfig.ablation(3),
    "ablation-4": lambda: FeelvosConfig.ablation(4),
    "ablation-5": lambda: FeelvosConfig.ablation(5),
    "ablation-6": lambda: FeelvosConfig.ablation(6),
}
# What the values that `paper()` and `released()` choose mean, for people; `vosref protocols feelvos` prints it.
EXPLAINED = {
    ("feedback", "soft"): "the head sees the previous frame's probabilities, softmax of the logits at stride 4",
    (
        "feedback",
        "hard",
    ): "the head sees the previous frame's labels, one-hot; the probabilities go unused",
    ("previous_labels", "grid"): "the labels to match with are the argmax at stride 4",
    ("previous_labels", "full"): (
        "the argmax of the logits at full resolution, brought back to stride 4 by the nearest pixel, halves rounded up"
    ),
}
NOTES = {  # what no setting decides, or both configurations alike
    "embedding_relu, head_relu": (
        "the paper names one ReLU for each layer of the head and none for the embedding; the published weights were "
        "trained with more, so both configurations rectify; False is for weights trained without"
    ),
    "input_order": (
        "the paper lists global, local, previous, features; the released weights have features, global, previous, "
        "local; it changes no result, only how a file is read"
    ),
    "output_stride": "not in the paper; released: 16 (rates 6, 12, 18) in training, 8 (12, 24, 36) in evaluation",
    "missing_cues": (
        "the paper's Table 6 trains a head for each line; `neutral` tells a head that takes all cues that nothing is "
        "near, distance 1, and nothing was predicted, 0, where one is switched off"
    ),
    "n_neighbours": "1 in the paper; the released code offers the mean over more, and defaults to 1",
    "objects": (
        "the released code takes the ids of the mask at stride 4, which must have no gaps; here every id of the first "
        "mask is an object, with gaps or not, and one that no pixel of the grid shows is kept and reported"
    ),
    "distances": "the released code lets rounding push the expanded square below 0; here it stops at 0",
}

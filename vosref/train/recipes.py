"""The choices of training: the papers' numbers, what released code adds, and what our own weights were trained with."""

from typing import NamedTuple, TypeAlias

__all__ = ["CUES", "FeelvosRecipe", "Recipe", "TvosRecipe"]

NOTHING = r"(?!)"  # a regular expression that no name matches
# What the rows of FEELVOS's Table 6 leave the head of the two distance maps and the previous prediction.
CUES = ("global,previous,local", "global,previous", "global", "global,local", "previous,local")


class TvosRecipe(NamedTuple):
    """How TVOS is trained; defaults as released [specs TVOS §3]."""

    n_frames: int = 10  # consecutive frames of a snippet: all but the last are references, the last is the target
    most_apart: int = 1  # frames from one of a snippet to the next: drawn from 1 to this
    crop: int = 256  # pixels
    flips: tuple[float, float] = (0.5, 0.5)  # probability of upside down, and of left and right exchanged
    scales: tuple[float, float] = (1.0, 1.0)  # of the frame before the crop
    least_object: float = 0.0  # share of the first crop that objects must take; else the view is drawn again
    reduction: str = "mean"  # of the snippets of a step: "sum" or "mean"
    batch: int = 16  # snippets a step
    at_once: int = 1  # snippets that run together; a step adds up the gradients of batch / at_once passes
    steps: int = 63_120  # 240 epochs of 263
    optimiser: str = "sgd"  # or "adamw"
    learning_rate: float = 0.02
    last_rate: float = 4e-5  # what the schedule ends at
    schedule: str = "cosine"
    epoch: int = 263  # steps through which the learning rate stays, as released; 1: it falls with every step
    warm_up: int = 0  # steps over which it rises first
    momentum: float = 0.9
    nesterov: bool = True
    weight_decay: float = 3e-4
    decayed: str = r""  # regular expression: arrays that decay, here all
    bias_rate: float = 1.0  # factor of the gradients of biases
    slower: str = NOTHING  # regular expression: layers whose gradients are scaled by `slower_rate`
    slower_rate: float = 1.0  # for adamw, a factor of the learning rate
    clip: float = 0.0  # longest gradient of a variable; 0: any
    average: float = 0.0  # decay of the running mean of the weights that is exported; 0: the last weights are
    frozen: str = NOTHING  # regular expression: layers that are not trained
    adapting: str = r""  # regular expression: layers whose norms take their batch's statistics, here all
    norm_momentum: float = 0.1
    working_scale: float = 1.0  # the crop is enlarged so much before the network
    n_stages: int = 5  # of an EfficientNet-Lite
    output_stride: int = 8  # of the network, on the enlarged crop
    normalise: bool = False  # scale embeddings to length 1
    temperature: float = 1.0  # multiplies dot products
    brief: bool = False  # bfloat16 where it is faster

    @classmethod
    def released(cls) -> "TvosRecipe":
        """As the authors' code trains."""
        return cls()

    @classmethod
    def lite0(cls) -> "TvosRecipe":
        """As the weights `tvos-lite0` were trained: few videos, two processor cores, an ImageNet trunk."""
        return cls(
            n_frames=5,
            most_apart=4,
            flips=(0.0, 0.5),
            scales=(0.8, 1.25),
            least_object=0.02,
            batch=4,
            steps=800,
            optimiser="adamw",
            learning_rate=3e-4,
            last_rate=3e-6,
            epoch=1,
            warm_up=50,
            weight_decay=1e-2,
            average=0.99,
            frozen=r"stem/|blocks/[0-4]/|blocks/\d+/\w+/(scale|offset)$",
            adapting=NOTHING,
            working_scale=2.0,
            output_stride=16,
            normalise=True,
            temperature=40.0,
            brief=True,
        )


class FeelvosRecipe(NamedTuple):
    """How FEELVOS is trained; defaults as released [specs FEELVOS §5]."""

    crop: int = 465
    flips: tuple[float, float] = (0.0, 0.5)
    scales: tuple[float, float] = (1.0, 1.3)
    least_pixels: int = 10  # of each object, and of background, in the reference frame at stride 4
    n_reference: int = 1024  # pixels of each object that are matched with
    fraction: float = 0.15  # share of the hardest pixels
    annealing: int = 100_000  # steps
    reduction: str = "sum"  # of the videos of a step: "sum" or "mean"
    batch: int = 3  # videos a step
    at_once: int = 1
    steps: int = 200_000
    optimiser: str = "sgd"
    learning_rate: float = 0.0007
    last_rate: float = 0.0
    schedule: str = "polynomial"
    epoch: int = 1
    warm_up: int = 0
    momentum: float = 0.9
    nesterov: bool = False
    weight_decay: float = 4e-5
    decayed: str = r".*(?<!depthwise)/kernel$"  # neither depthwise kernels, nor norms, nor biases
    bias_rate: float = 2.0
    slower: str = NOTHING
    slower_rate: float = 1.0
    clip: float = 5.0
    average: float = 0.0
    frozen: str = NOTHING
    adapting: str = NOTHING
    norm_momentum: float = 0.1
    output_stride: int = 16
    dropout: float = 0.1  # of the pyramid's projection
    cues: str = "global,previous,local"  # what the head sees beside the features, one of `CUES`
    previous_frame: str = "local"  # how the previous frame is matched: in a window, or "global", as Table 6 compares
    window_radius: int = 15
    damage: float = 0.0  # probability that the previous mask is damaged
    auxiliary: float = 0.0  # weight of a matching loss on the embedding itself; not in the paper
    brief: bool = False

    @classmethod
    def released(cls) -> "FeelvosRecipe":
        """As the authors' code trains."""
        return cls()

    @classmethod
    def lite0(cls) -> "FeelvosRecipe":
        """As the weights `feelvos-lite0` were trained, on the trunk of `tvos-lite0`, which stays as it is."""
        return cls(
            crop=257,
            scales=(0.8, 1.3),
            annealing=600,
            reduction="mean",
            batch=4,
            steps=1000,
            optimiser="adamw",
            learning_rate=1e-3,
            last_rate=1e-5,
            schedule="cosine",
            warm_up=50,
            weight_decay=1e-2,
            bias_rate=1.0,
            average=0.99,
            frozen=r"stem/|blocks/",
            damage=0.5,
            auxiliary=0.3,
            brief=True,
        )


Recipe: TypeAlias = TvosRecipe | FeelvosRecipe

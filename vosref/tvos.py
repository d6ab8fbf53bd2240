"""TVOS: label propagation on a spatio-temporal graph, one frame at a time [TVOS §3.2-3.5].

A frame's embedding looks at a sample of the frames before it and takes over their labels in proportion to the affinity.
Every place where the paper and its released code part is a field of `TvosConfig` with a small function behind it.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from vosref.backend import Array, array_namespace
from vosref.blocks import DEFAULT_MEMORY
from vosref.labels import harden, to_grid, to_mask
from vosref.nn import transfer
from vosref.options import named
from vosref.propagation import propagate_online, propagate_released
from vosref.sampling import motion_prior, reach, reference_frames
from vosref.weights import load

__all__ = [
    "CONFIGS",
    "EXPLAINED",
    "NOTES",
    "TvosConfig",
    "TvosInfo",
    "TvosState",
    "annotate",
    "decide",
    "embedding",
    "frames_held",
    "init",
    "prepare",
    "step",
]


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


class TvosState(NamedTuple):
    """What later frames can still reach, and nothing else."""

    embeddings: tuple[Array, ...]  # of the newest frames, oldest first, each (P, D)
    labels: tuple[Array, ...]  # theirs, each (P, K)
    t: int  # number of the next frame; frame 0 is the annotated one


class TvosInfo(NamedTuple):
    """The paper's intermediates of one step."""

    frames: tuple[int, ...]  # reference frames, ascending
    sigma: tuple[float, ...]  # width of the spatial term for each, in cells
    labels: Array  # what later frames will see of this one, (P, K)


def prepare(config: TvosConfig, /) -> dict[str, Array]:
    """Load the embedding network that a configuration names, ready for `embedding`."""
    weights = load(config.weights)
    if not transfer.is_encoder(weights):
        raise ValueError(f"weights must be of a ResNet or an EfficientNet-Lite for TVOS, got {config.weights!r}")
    return transfer.prepare(weights)


def embedding(weights: Mapping[str, Array], frame: Array, config: TvosConfig, /) -> Array:
    """Embed a frame on the stride-8 grid [TVOS §3.5].

    Parameters
    ----------
    weights : mapping of str to array
        From `prepare`, or any arrays of that form in the frame's namespace.
    frame : array of uint8, shape (H, W, 3)
        RGB.
    config : TvosConfig

    Returns
    -------
    array, shape (h, w, D)
        Of length 1 along the last axis where `config.normalise`.
    """
    return transfer.embed(
        weights,
        frame,
        working_scale=config.working_scale,
        n_stages=config.n_stages,
        output_stride=config.output_stride,
        normalise=config.normalise,
    )


def annotate(embedding: Array, mask: Array, ids: Sequence[int], /) -> Array:
    """Bring the annotated frame's mask (H, W) to the grid of its embedding: labels (P, K), soft along edges."""
    return to_grid(mask, ids=ids, grid=embedding.shape[:2], dtype=embedding.dtype)


def decide(embedding: Array, scores: Array, ids: Sequence[int], size: tuple[int, int], /) -> Array:
    """Bring a frame's votes (P, K) to video resolution and take the largest: a mask (H, W) of ids."""
    return to_mask(scores, ids=ids, grid=embedding.shape[:2], size=size)


def init(embedding: Array, labels: Array, config: TvosConfig, /) -> TvosState:
    """Start from the annotated frame.

    Parameters
    ----------
    embedding : array, shape (h, w, D)
    labels : array, shape (P, K)
        The annotation on the grid (`labels.to_grid`); it stays soft.
    config : TvosConfig

    Returns
    -------
    TvosState

    Raises
    ------
    ValueError
        If a setting that must be positive is not.
    """
    for field in ("sigma_recent", "sigma_distant", "working_scale", "memory"):
        if not getattr(config, field) > 0:
            raise ValueError(f"{field} must be positive, got {getattr(config, field)}")
    return TvosState((_pixels(embedding),), (labels,), 1)


def frames_held(config: TvosConfig, /) -> int:
    """Count the frames that a state holds at most: it grows no further."""
    return reach(rule=config.sampling, n_recent=config.n_recent, horizon=config.horizon)


def step(state: TvosState, embedding: Array, config: TvosConfig, /) -> tuple[TvosState, Array, TvosInfo]:
    """Label the next frame.

    Parameters
    ----------
    state : TvosState
    embedding : array, shape (h, w, D)
        Of the frame `state.t`.
    config : TvosConfig

    Returns
    -------
    TvosState
        For the frame after.
    array, shape (P, K)
        Votes for each label; not normalised.
    TvosInfo
    """
    t, rule = state.t, config.sampling
    frames = reference_frames(t, rule=rule, n_recent=config.n_recent, n_sparse=config.n_sparse, horizon=config.horizon)
    sigma = motion_prior(
        frames,
        t,
        rule=config.motion,
        n_recent=config.n_recent,
        sigma_recent=config.sigma_recent,
        sigma_distant=config.sigma_distant,
    )
    oldest = t - len(state.embeddings)
    propagate = named(PROPAGATION, "propagation", config.propagation)
    query = _pixels(embedding)
    probabilities = propagate(
        query,
        tuple(state.embeddings[frame - oldest] for frame in frames),
        tuple(state.labels[frame - oldest] for frame in frames),
        grid=embedding.shape[:2],
        sigma=sigma,
        temperature=config.temperature,
        memory=config.memory,
    )
    seen = named(FEEDBACK, "feedback", config.feedback)(probabilities)
    keep = frames_held(config)
    following = TvosState((*state.embeddings, query)[-keep:], (*state.labels, seen)[-keep:], t + 1)
    return following, probabilities, TvosInfo(frames, sigma, seen)


def soften(probabilities: Array, /) -> Array:
    """Scale each pixel's votes to sum to 1, as labels do; a pixel without votes keeps none.

    Eq. 4 taken literally feeds back S ŷ itself. S maps the constant labelling of F frames to about √F on the next one,
    so literal soft labels grow without bound and the newest frames drown the annotated one.
    """
    xp = array_namespace(probabilities)
    total = xp.sum(probabilities, axis=1, keepdims=True)
    return probabilities / xp.where(total > 0, total, xp.ones_like(total))


def _literal(probabilities: Array, /) -> Array:
    return probabilities


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
PROPAGATION = {"paper": propagate_online, "released": propagate_released}
FEEDBACK = {"hard": harden, "soft": soften, "literal": _literal}


def _pixels(embedding: Array) -> Array:
    return array_namespace(embedding).reshape(embedding, (-1, embedding.shape[2]))


NOTES: dict[str, str] = {}  # what no setting decides, or both configurations alike
CONFIGS = {"released": TvosConfig.released, "paper": TvosConfig.paper}
Config, State = TvosConfig, TvosState  # the names under which the loop finds every method's

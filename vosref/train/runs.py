"""A training run on disk: what it is made of, opened and checked before anything is written, and what it leaves.

Its folder holds ``recipe.json``, all that is needed to repeat it; ``log.jsonl``, a line for each step;
``checkpoint.pt``, all that is needed to go on; and ``weights.safetensors``, of the last checkpoint.
"""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch

from vosref import __version__
from vosref.feelvos_config import FeelvosConfig
from vosref.io import InputError, output_folder
from vosref.options import named
from vosref.train.layers import to_array
from vosref.train.network import Network
from vosref.train.recipes import FeelvosRecipe, Recipe
from vosref.train.records import RECORD, check_same, write_record
from vosref.train.settings import METHODS
from vosref.train.sources import Sources
from vosref.train.training import CHECKPOINT, LOG, Progress, train
from vosref.train.weights import export, start
from vosref.tvos_config import TvosConfig
from vosref.weights import MODELS

__all__ = ["WEIGHTS", "Training", "check_model", "kept", "open_training", "read_log"]

WEIGHTS = "weights.safetensors"
# Settings of the trained network, by the method's configuration; FEELVOS's stride is 16 only in training.
INFERENCE: dict[str, tuple[Any, tuple[str, ...]]] = {
    "tvos": (TvosConfig.released(), ("working_scale", "n_stages", "output_stride", "normalise", "temperature")),
    "feelvos": (FeelvosConfig.released(), ("window_radius",)),
}


class Training(NamedTuple):
    """A run that can be started, or gone on with."""

    method: str
    model: str
    recipe: Recipe
    sources: Sources
    network: Network
    out: Path
    seed: int
    start: Mapping[str, Any]  # what the weights are from
    done: int  # steps done before

    def run(
        self,
        *,
        until: int | None = None,
        seconds: float = float("inf"),
        threads: int | None = None,
        workers: int = 1,
        report: Callable[[Progress], None] = lambda _progress: None,
        held: Callable[[], None] = lambda: None,
    ) -> None:
        """Train, with so many threads of PyTorch; the other options are those of `vosref.train.training.train`."""
        before = torch.get_num_threads()
        torch.set_num_threads(threads or before)
        output_folder(self.out, argument="OUT")
        write_record(self.out, self.identity(), self._sitting())
        network, source, recipe = self.network, self.sources.source, self.recipe
        limits: dict[str, Any] = {"until": until, "seconds": seconds, "workers": workers}
        try:
            train(network, source, recipe, self.out, seed=self.seed, resume=True, **limits, report=report, held=held)
        finally:
            torch.set_num_threads(before)

    def export(self, *, licence: str = "unknown", half: bool = True) -> Path | None:
        """Write the weights of the last checkpoint, in float16 or float32, and return their path if there is one.

        Raises
        ------
        InputError
            If float16 cannot hold them.
        """
        if not (self.out / CHECKPOINT).exists():
            return None
        content = _checkpoint(self.out)
        tensors = content["network"] | content["mean"]
        arrays = {name: to_array(tensors[name], axes) for name, axes in self.network.axes.items()}
        said = {
            "model": self.model,
            "licence": licence,
            "trained_on": "; ".join(map(_told, self.sources.said)),
            "start": f"{self.start['file']}, sha256 {self.start['sha256']}",
            "steps": f"{content['step']} of {self.recipe.steps}",
            "seed": str(self.seed),
            "recipe": json.dumps({"method": self.method, **self.recipe._asdict()}),
        }
        try:
            export(self.out / WEIGHTS, arrays, said, half=half)
        except ValueError as error:
            raise InputError(f"{error}; --float32 keeps more" if half else str(error)) from error
        return self.out / WEIGHTS

    def settings(self) -> list[str]:
        """List the settings, NAME=VALUE, that the trained network wants and the released configuration lacks."""
        usual, fields = INFERENCE[self.method]
        pairs = {field: getattr(self.recipe, field) for field in fields}
        return [f"{f}={str(v).lower() if v is False else v}" for f, v in pairs.items() if v != getattr(usual, f)]

    def identity(self) -> dict[str, Any]:
        """Return what makes this run itself."""
        return {
            "method": self.method,
            "model": self.model,
            "seed": self.seed,
            "start": dict(self.start),
            "sources": self.sources.said,
            "recipe": self.recipe._asdict(),
        }

    def _sitting(self) -> dict[str, Any]:
        device = next(self.network.parameters()).device
        return {
            "from_step": self.done,
            "vosref": __version__,
            "torch": torch.__version__,
            "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
            "threads": torch.get_num_threads(),
        }


def open_training(
    method: str,
    sources: Sources,
    out: Path,
    /,
    *,
    model: str,
    recipe: Recipe,
    path: Path | None = None,
    seed: int = 0,
    device: str = "cpu",
    resume: bool = False,
) -> Training:
    """Open a run; nothing is written yet.

    Parameters
    ----------
    method : str
        tvos or feelvos.
    sources : Sources
        See `vosref.train.sources.open_sources`.
    out : path
        Folder of the run.
    model : str
        One of `vosref.weights.MODELS` that is the method's.
    recipe : TvosRecipe or FeelvosRecipe
        See `vosref.train.settings.named_recipe`.
    path : path, optional
        Weights to start from; see `vosref.train.weights.start`.
    seed : int
        Of what is drawn.
    device : str
        cpu or cuda.
    resume : bool
        Go on with the run that the folder holds, if it holds one.

    Raises
    ------
    TypeError
        If the recipe is another method's.
    ValueError
        If method, model or device is not known, or the model needs a file to start from.
    InputError
        If the folder holds a run and `resume` is not set, or another run than this one.
    """
    check_model(method, model)
    if not isinstance(recipe, METHODS[method]):
        raise TypeError(f"recipe must be a {METHODS[method].__name__} for {method}, got a {type(recipe).__name__}")
    _check_device(device)
    done = _done(out, resume)
    begun = start(model, path=path, seed=seed)
    _check_cues(recipe, begun.arrays)
    options: dict[str, Any] = {"frozen": recipe.frozen, "adapting": recipe.adapting, "momentum": recipe.norm_momentum}
    network = Network(begun.arrays, **options, brief=recipe.brief).to(device)
    said = {"file": begun.header["source"], "sha256": begun.header["source_sha256"], "drawn": len(begun.random)}
    opened = Training(method, model, recipe, sources, network, out, seed, said, done)
    if done:
        check_same(out, opened.identity())
    return opened


def check_model(method: str, model: str, /) -> None:
    """Refuse a model that is not the method's, with ValueError."""
    named(METHODS, "method", method)
    fitting = [name for name in MODELS if name.startswith(f"{method}-")]
    if model not in fitting:
        raise ValueError(f"--model must be one of {', '.join(fitting)} for {method}, got {model}")


def kept(out: Path, /) -> int:
    """Return the steps up to a run's last checkpoint; 0 where there is none."""
    return _checkpoint(out)["step"] if (out / CHECKPOINT).exists() else 0


def read_log(out: Path, /) -> list[dict[str, float]]:
    """Return the rows that a run has logged, one for each step; a line that was not written to its end is left out."""
    path = out / LOG
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _check_cues(recipe: Recipe, arrays: Mapping[str, Any]) -> None:
    if isinstance(recipe, FeelvosRecipe):
        cues = recipe.cues.split(",")
        takes = arrays["head/0/depthwise/kernel"].shape[2] - arrays["head/1/depthwise/kernel"].shape[2]
        if len(cues) != takes:
            raise ValueError(
                f"cues must be as many as the model's head takes, {takes}, got {recipe.cues}; models whose names end "
                "in -258 and -257 take 2 and 1"
            )


def _check_device(device: str) -> None:
    if device not in ("cpu", "cuda"):
        raise ValueError(f"--device must be cpu or cuda, got {device}")
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("--device cuda: PyTorch finds no GPU; use cpu, or install a PyTorch built for this GPU")


def _done(out: Path, resume: bool) -> int:
    """Return the steps that the folder's run has kept, and refuse to write over it unasked."""
    held = [name for name in (CHECKPOINT, WEIGHTS) if (out / name).exists()]
    if held and not resume:
        raise InputError(f"OUT: {out} holds a run ({held[0]}); go on with it by --resume, or give another folder")
    absent = [name for name in (CHECKPOINT, RECORD) if not (out / name).exists()]
    if held and absent:
        raise InputError(
            f"OUT: {out} holds {held[0]} without {absent[0]}, and cannot be gone on with; give another folder"
        )
    return kept(out)


def _checkpoint(out: Path) -> dict[str, Any]:
    return torch.load(out / CHECKPOINT, map_location="cpu", weights_only=True, mmap=True)


def _told(said: Mapping[str, Any]) -> str:
    """Say in a line what a source is."""
    if "videos" in said:
        text = f"{said['kind']} {said['subset']}, {said['videos']} videos, {said['frames']} frames"
    else:
        text = str(said["kind"])
    return f"{text}, weight {said['weight']:g}"

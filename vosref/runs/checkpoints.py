"""A method's state on disk, with the frame it stands at and the job it belongs to: what a stopped run goes on from."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from vosref.io import InputError, atomic_path

__all__ = ["load_state", "save_state"]


def save_state(path: Path, state: Any, /, *, identity: str) -> None:
    """Write a state, whole or not at all.

    Parameters
    ----------
    path : Path
        Ends in ``.safetensors``.
    state : NamedTuple
        Of tuples of NumPy arrays, and `t`, the number of the next frame.
    identity : str
        The job whose state it is.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    arrays = {f"{field}/{i:06d}": np.ascontiguousarray(a) for field, i, a in _arrays(state)}
    try:
        with atomic_path(path) as temporary:
            save_file(arrays, temporary, metadata={"identity": identity, "t": str(state.t)})
    except (OSError, SafetensorError) as error:
        raise InputError(f"{path} cannot be written ({error}); make room, then go on with --resume") from error


def load_state(path: Path, kind: Any, /, *, identity: str) -> Any:
    """Read a state of type `kind`; None if there is none, it is damaged, or it belongs to another job."""
    fields: dict[str, list[Any]] = {field: [] for field in kind._fields if field != "t"}
    try:
        with safe_open(path, framework="numpy") as file:
            about = file.metadata() or {}
            if about.get("identity") != identity:
                return None
            for key in sorted(file.keys()):
                fields[key.partition("/")[0]].append(file.get_tensor(key))
            return kind(**{field: tuple(arrays) for field, arrays in fields.items()}, t=int(about["t"]))
    except (OSError, SafetensorError, KeyError):
        return None


def _arrays(state: Any) -> Iterator[tuple[str, int, Any]]:
    for field in state._fields:
        if field != "t":
            yield from ((field, i, array) for i, array in enumerate(getattr(state, field)))

"""Read a TensorFlow checkpoint, with TensorFlow (extra `tensorflow`): its variables without the optimiser's."""

import glob
import math
import os
import re
from pathlib import Path
from typing import Any

import numpy as np

from vosref.weights.errors import WeightsError, shown

__all__ = ["TRAINING_STATE", "checkpoint_files", "read_checkpoint"]

# What a training checkpoint holds beside the network: the step, and the optimiser's slots.
TRAINING_STATE = r"global_step|.*/Momentum"


def checkpoint_files(path: Path, /) -> list[Path]:
    """Return the files of a checkpoint, its index first; none if `path` is not a checkpoint's prefix or index."""
    prefix = path.with_name(re.sub(r"\.(index|data-\d+-of-\d+)$", "", path.name))
    index = prefix.with_name(f"{prefix.name}.index")
    if not index.is_file() or path.is_dir() or path.is_file() == (path == prefix):
        return []
    return [index, *sorted(prefix.parent.glob(f"{glob.escape(prefix.name)}.data-*"))]


def read_checkpoint(files: list[Path], /) -> dict[str, np.ndarray]:
    """Read the variables of a checkpoint, given its files.

    Raises
    ------
    WeightsError
        If TensorFlow is missing, or cannot read the checkpoint.
    """
    tensorflow = _tensorflow()
    n_bytes = sum(file.stat().st_size for file in files)
    try:
        reader = tensorflow.train.load_checkpoint(str(files[0]).removesuffix(".index"))
        types, shapes = reader.get_variable_to_dtype_map(), reader.get_variable_to_shape_map()
        names = [
            name
            for name, dtype in sorted(types.items())
            if dtype != tensorflow.string and not re.fullmatch(TRAINING_STATE, name)
        ]
        if sum(math.prod(shapes[name]) * types[name].size for name in names) > n_bytes:
            raise WeightsError("the variables that the checkpoint lists are larger than its files")
        return {name: _array(reader.get_tensor(name), types[name].name) for name in names}
    except WeightsError:
        raise
    except Exception as error:
        reason = shown(f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
        raise WeightsError(f"TensorFlow cannot read this checkpoint ({reason})") from None


def _array(value: Any, dtype: str) -> np.ndarray:
    return np.asarray(value, np.float32) if dtype == "bfloat16" else np.asarray(value)


def _tensorflow() -> Any:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # which devices it looks for is of no interest here
    try:
        import tensorflow  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        raise WeightsError(
            "reading a TensorFlow checkpoint needs TensorFlow: pip install 'vosref[tensorflow]'"
        ) from None
    return tensorflow

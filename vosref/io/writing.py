"""Writing results: whole or not at all, and the same bytes for the same result."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from vosref.io.errors import InputError

__all__ = ["atomic_path", "output_folder", "write_mask", "write_text"]


@contextmanager
def atomic_path(path: str | os.PathLike[str], /) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed to it when the block succeeds and removed when it does not.

    The temporary file keeps the suffix and is hidden, so whoever lists the folder does not take it for a result. A link
    is followed; a device or pipe, such as ``/dev/stdout``, cannot be replaced and is yielded itself.
    """
    given = Path(path)
    if given.exists() and not (given.is_file() or given.is_dir()):
        yield given
        return
    target = given.resolve()
    temporary = target.with_name(f".{secrets.token_hex(8)}{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | os.PathLike[str], text: str, /) -> None:
    """Write a text file, UTF-8 with the line ends as they are, whole or not at all.

    Raises
    ------
    InputError
        If it cannot be written.
    """
    with _reported(path), atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")


def write_mask(path: str | os.PathLike[str], ids: npt.NDArray[np.integer], /, *, palette: bytes) -> None:
    """Write a mask as a palette PNG, whole or not at all; equal masks give equal bytes.

    Parameters
    ----------
    path : path
        Where to; the folder exists.
    ids : array, shape (H, W)
        Object ids, 0 (background) to 254.
    palette : bytes
        768: red, green, blue of ids 0 to 255, as in `Mask.palette`.

    Raises
    ------
    ValueError
        If `ids` or `palette` is not of this kind.
    InputError
        If the file cannot be written.

    Examples
    --------
    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> import numpy as np
    >>> import vosref
    >>> from vosref.io import davis_palette
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "00000.png"
    ...     vosref.write_mask(path, np.array([[0, 0, 1], [0, 6, 1]]), palette=davis_palette())
    ...     vosref.read_mask(path).ids
    array([[0, 0, 1],
           [0, 6, 1]], dtype=uint8)
    """
    ids = np.asarray(ids)
    if ids.ndim != 2 or not ids.size or not np.issubdtype(ids.dtype, np.integer):
        raise ValueError(f"ids must be integers of shape (H, W), got {ids.dtype} of shape {ids.shape}")
    if ids.min() < 0 or ids.max() > 254:
        raise ValueError(f"ids must be 0 to 254, got {ids.min()} to {ids.max()}")
    if len(palette) != 768:
        raise ValueError(f"palette must have 768 bytes, got {len(palette)}")
    image = Image.fromarray(np.ascontiguousarray(ids, dtype=np.uint8))
    image.putpalette(palette)
    with _reported(path), atomic_path(path) as temporary:
        image.save(temporary, format="PNG")


def output_folder(path: str | os.PathLike[str], /, *, argument: str = "--out") -> Path:
    """Make a folder, parents too, and check that files can be written into it.

    Raises
    ------
    InputError
        If it is a file, or cannot be made or written.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{secrets.token_hex(8)}"
        probe.touch(exist_ok=False)
        probe.unlink()
    except FileExistsError as error:
        raise InputError(f"{argument}: {path} is a file; give a folder, or move the file away") from error
    except OSError as error:
        raise InputError(f"{argument}: {path} cannot be written ({error.strerror}); choose another folder") from error
    return folder


@contextmanager
def _reported(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise InputError(f"{path} cannot be written ({error.strerror or error}); choose another place") from error

"""Read a file of weights in any format that is known, by what it holds rather than by its name."""

import hashlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vosref.weights.errors import MissingWeightsError, WeightsError
from vosref.weights.safetensors_file import looks_like_safetensors, parse_safetensors
from vosref.weights.tensorflow_file import checkpoint_files, read_checkpoint
from vosref.weights.torch_file import state_dict
from vosref.weights.torch_zip import ZIP_MAGIC

__all__ = ["Source", "read_source", "source_sha256"]

# What people find under a name of weights when a download or a copy went wrong.
FOREIGN = {
    b"\x89PNG": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"\x89HDF": "an HDF5 file; save the weights from its library as safetensors",
    b"\x1f\x8b": "a gzip archive; unpack it first",
    b"BZh": "a bzip2 archive; unpack it first",
    b"<": "a web page; download the file itself",
    b"version https://git-lfs": "a Git LFS pointer; fetch the file itself with git lfs pull",
}
TORCH_SUFFIXES = (".pth", ".pt", ".tar")


class Source(NamedTuple):
    """A file of weights, read: its arrays under its own names."""

    path: Path
    format: str
    sha256: str
    arrays: dict[str, np.ndarray]
    metadata: dict[str, str]


def read_source(path: str | Path, /) -> Source:
    """Read the named arrays of a PyTorch, safetensors or TensorFlow file.

    Parameters
    ----------
    path : path
        A file; of a TensorFlow checkpoint, its prefix or any of its files.

    Raises
    ------
    MissingWeightsError
        If there is none.
    WeightsError
        If it cannot be read, is damaged, or is not of the kind that its name says; nothing of it is executed.
    """
    path = Path(path)
    files = _files(path)
    metadata: dict[str, str] = {}
    try:
        if files[0] != path or path.suffix == ".index":
            kind, arrays = "TensorFlow checkpoint", read_checkpoint(files)
            path, digest = files[0].with_suffix(""), _sha256(files)  # whichever of its files was named
        else:
            content = path.read_bytes()
            kind, arrays, metadata = _read(path, content)
            digest = hashlib.sha256(content).hexdigest()
        if not arrays:
            raise WeightsError("the file holds no named arrays")
    except WeightsError as error:
        raise type(error)(f"{path}: {error}") from None
    return Source(path, kind, digest, arrays, metadata)


def source_sha256(path: str | Path, /) -> str:
    """Return the SHA-256 of a file, or of the files of a TensorFlow checkpoint one after another, its index first."""
    return _sha256(_files(Path(path)))


def _files(path: Path) -> list[Path]:
    files = checkpoint_files(path)
    if path.is_dir():
        raise WeightsError(f"{path} is a folder; name the file of weights in it")
    if not files and not path.exists():
        raise MissingWeightsError(f"{path} does not exist; check its spelling")
    if not files and not path.is_file():
        raise WeightsError(f"{path} is not a regular file; name a file of weights")
    return files or [path]


def _sha256(files: list[Path]) -> str:
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def _read(path: Path, content: bytes) -> tuple[str, dict[str, np.ndarray], dict[str, str]]:
    for magic, what in FOREIGN.items():
        if content.startswith(magic):
            raise WeightsError(f"this is {what}")
    zipped, safe = content.startswith(ZIP_MAGIC), looks_like_safetensors(content)
    named_safe = path.suffix == ".safetensors"
    if zipped and named_safe:
        raise WeightsError("the name says safetensors, but it is a zip archive such as PyTorch's; rename it to .pth")
    if safe and path.suffix in TORCH_SUFFIXES:
        raise WeightsError("the name says PyTorch, but it is a safetensors file; rename it to .safetensors")
    if safe or named_safe:
        metadata, arrays = parse_safetensors(content)
        return "safetensors", arrays, metadata
    return f"PyTorch {'zip' if zipped else 'legacy'}", state_dict(content), {}

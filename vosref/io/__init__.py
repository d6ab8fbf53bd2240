"""The library's edge: frames, videos and masks come in, results go out; garbage is refused, with the reason."""

from vosref.io.errors import InputError, MissingInputError
from vosref.io.frames import open_frames
from vosref.io.masks import Mask, davis_palette, read_mask
from vosref.io.sequence import Frame, Frames
from vosref.io.truth import truth_masks
from vosref.io.writing import atomic_path, output_folder, write_mask, write_text

__all__ = [
    "Frame",
    "Frames",
    "InputError",
    "Mask",
    "MissingInputError",
    "atomic_path",
    "davis_palette",
    "open_frames",
    "output_folder",
    "read_mask",
    "truth_masks",
    "write_mask",
    "write_text",
]

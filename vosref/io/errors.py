"""What input that cannot be used raises: one helpful sentence or two, meant to be shown as it stands."""

__all__ = ["InputError", "MissingInputError"]


class InputError(ValueError):
    """An input cannot be used; the message says which, by what rule, what arrived, and how to mend it.

    Examples
    --------
    A photo is no mask:

    >>> import vosref
    >>> from vosref.samples import sample_path
    >>> try:
    ...     vosref.read_mask(sample_path("two-crossing") / "frames" / "00000.png")
    ... except vosref.InputError as error:
    ...     str(error).partition("00000.png ")[2].partition(";")[0]
    'is a RGB image with more than 256 distinct colours, not object ids'
    """


class MissingInputError(InputError, FileNotFoundError):
    """An input is not there.

    Examples
    --------
    >>> import vosref
    >>> try:
    ...     vosref.open_frames("nowhere")
    ... except vosref.MissingInputError as error:
    ...     str(error)
    'frames: nowhere does not exist; give a folder of images or a video file'
    """

    # What it is made of; ValueError's own, found first, refuses.
    __new__ = FileNotFoundError.__new__  # type: ignore[assignment]

"""What input that cannot be used raises: one helpful sentence or two, meant to be shown as it stands."""

__all__ = ["InputError", "MissingInputError"]


class InputError(ValueError):
    """An input cannot be used; the message says which, by what rule, what arrived, and how to mend it."""


class MissingInputError(InputError, FileNotFoundError):
    """An input is not there."""

    # What it is made of; ValueError's own, found first, refuses.
    __new__ = FileNotFoundError.__new__  # type: ignore[assignment]

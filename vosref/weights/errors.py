"""What a file of weights that cannot be used raises: a sentence that is meant to be shown as it stands."""

__all__ = ["MissingWeightsError", "WeightsError", "shown"]


class WeightsError(ValueError):
    """A file of weights that is missing something, holds something it must not, or is not what it says."""


class MissingWeightsError(WeightsError, FileNotFoundError):
    """A file of weights is not there."""


def shown(text: str, /) -> str:
    """Return a name out of a file so that it can be printed: whatever could steer a terminal is escaped."""
    return text if text.isprintable() else ascii(text)

"""What every vector-Jacobian product asks of the cotangent that it is given."""

__all__ = ["check_cotangent"]


def check_cotangent(cotangent, shape, /):
    """Raise ValueError unless a cotangent has its result's shape; a Python number has that of a scalar."""
    given = tuple(getattr(cotangent, "shape", ()))
    if given != tuple(shape):
        raise ValueError(f"cotangent must have the result's shape {tuple(shape)}, got {given}")

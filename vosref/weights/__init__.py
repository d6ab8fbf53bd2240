"""Readers of trained weights, without torch: named arrays out of files that are never executed."""

from vosref.weights.catalogue import load
from vosref.weights.torch_file import WeightsError, read_torch_file

__all__ = ["WeightsError", "load", "read_torch_file"]

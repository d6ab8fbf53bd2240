"""Readers of trained weights, without torch: named arrays out of files that are never executed."""

from vosref.weights.catalogue import header, load
from vosref.weights.conversion import Conversion, convert, save
from vosref.weights.errors import MissingWeightsError, WeightsError, shown
from vosref.weights.fitting import brief, indented
from vosref.weights.models import MODELS, model
from vosref.weights.source import Source, read_source
from vosref.weights.torch_file import read_torch_file
from vosref.weights.verification import Check, verify

__all__ = [
    "MODELS",
    "Check",
    "Conversion",
    "MissingWeightsError",
    "Source",
    "WeightsError",
    "brief",
    "convert",
    "header",
    "indented",
    "load",
    "model",
    "read_source",
    "read_torch_file",
    "save",
    "shown",
    "verify",
]

"""Readers of trained weights, without torch: named arrays out of files that are never executed."""

from vosref.weights.catalogue import SHIPPED, header, lite0_path, load, located, model_card
from vosref.weights.conversion import FORMAT, LAYOUT, Conversion, convert, save
from vosref.weights.errors import MissingWeightsError, WeightsError, shown
from vosref.weights.fitting import brief, indented
from vosref.weights.models import MODELS, model
from vosref.weights.safetensors_file import write_safetensors
from vosref.weights.source import Source, read_source
from vosref.weights.torch_file import read_torch_file
from vosref.weights.verification import Check, verify

__all__ = [
    "FORMAT",
    "LAYOUT",
    "MODELS",
    "SHIPPED",
    "Check",
    "Conversion",
    "MissingWeightsError",
    "Source",
    "WeightsError",
    "brief",
    "convert",
    "header",
    "indented",
    "lite0_path",
    "load",
    "located",
    "model",
    "model_card",
    "read_source",
    "read_torch_file",
    "save",
    "shown",
    "verify",
    "write_safetensors",
]

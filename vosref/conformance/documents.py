"""Documents of cases and vectors: options as JSON and as words, and files whose bytes are the same on every system."""

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from vosref.io import InputError

__all__ = ["as_text", "digest", "json_text", "option_from_json", "option_to_json", "write_document"]

WORDS = {None: "none", True: "true", False: "false"}
NOT_FINITE = {"Infinity": math.inf, "-Infinity": -math.inf, "NaN": math.nan}


def option_to_json(value: Any, name: str, /) -> Any:
    """Return what JSON has for an option; InputError, with its name, where that is nothing."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, tuple | list):
        return [option_to_json(part, name) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value is None or isinstance(value, bool | int | float | str):
        return value
    rule = "made of numbers, strings, booleans, None and sequences of them, to be written to a file"
    raise InputError(f"option {name} must be {rule}, got {type(value).__name__}")


def option_from_json(value: Any, /) -> Any:
    """Return the option: sequences as tuples."""
    if isinstance(value, list):
        return tuple(option_from_json(part) for part in value)
    return NOT_FINITE.get(value, value) if isinstance(value, str) else value


def json_text(document: Mapping[str, Any], /) -> str:
    """Return JSON with a fact a line, lists of numbers on one, and a line end."""
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    # A string has no line end of its own, so this is none.
    return re.sub(r'\[\n([^][{}"]*)\]', lambda match: f"[{' '.join(match[1].split())}]", text) + "\n"


def as_text(document: Mapping[str, Any], /) -> Iterator[str]:
    """Yield the lines of a case's ``case.txt``, without line ends."""
    yield f"{document['format']} {document['format_version']}"
    yield f"id {_words(document['id'])}"
    yield f"operation {document['operation']} {document['version']}"
    yield f"equation {' '.join(document['equation'].split())}"
    yield f"dtype {document['dtype']}"
    for kind, group in (("arithmetic", document["arithmetic"]), ("option", document["options"])):
        for name, value in group.items():
            yield " ".join((kind, name, *(map(_words, value) if isinstance(value, list) else (_words(value),))))
    for kind, entries in (("input", document["inputs"]), ("result", document["results"])):
        for entry in entries:
            yield " ".join((kind, _words(entry["name"]), entry["dtype"], entry["file"], *map(str, entry["shape"])))


def write_document(path: Path, text: str, /) -> None:
    """Write text in UTF-8, its line ends as they are."""
    path.write_text(text, encoding="utf-8", newline="")


def digest(path: Path, /) -> str:
    """SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _words(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(("(", *map(_words, value), ")"))
    if isinstance(value, str):
        return quote(value, safe="/:@#+=,") or '""'
    return WORDS[value] if value is None or isinstance(value, bool) else repr(value)

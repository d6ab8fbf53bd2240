"""The manifest of golden vectors: read, and held against the JSON Schema that comes with the library."""

import json
from pathlib import Path
from typing import Any

from vosref.conformance.array_files import safe_name
from vosref.io import InputError, MissingInputError

__all__ = ["SCHEMA", "read_manifest"]

SCHEMA = Path(__file__).parent / "data" / "manifest.schema.json"


def read_manifest(folder: Path, /) -> dict[str, Any]:
    """Read a folder's ``manifest.json``.

    Raises
    ------
    MissingInputError
        If there is none.
    InputError
        If it is no JSON, does not follow the schema, or contradicts itself.
    """
    path = folder / "manifest.json"
    if not path.is_file():
        raise MissingInputError(f"{path} does not exist; a folder of vectors has one")
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refused)
    except ValueError as error:
        raise InputError(f"{path} is no JSON file ({error})") from error
    if wrong := _off_the_schema(manifest) or _contradiction(manifest["cases"]):
        raise InputError(f"{path}: {wrong}")
    return manifest


def _off_the_schema(manifest: Any) -> str:
    import fastjsonschema  # noqa: PLC0415 - compiles the schema, and only those who read vectors need it

    try:
        fastjsonschema.compile(json.loads(SCHEMA.read_text(encoding="utf-8")))(manifest)
    except fastjsonschema.JsonSchemaValueException as error:
        said = f"{error.message.replace('data', 'the manifest', 1)}, got {error.value!r:.200}"
        return f"{said}; the rule is in {SCHEMA.name}"
    return ""


def _contradiction(cases: list[dict[str, Any]]) -> str:
    """Say where the manifest contradicts itself, which no schema can tell."""
    seen = set()
    for case in cases:
        if case["folder"] != safe_name(case["id"]):
            return f"the folder of {case['id']} must be {safe_name(case['id'])}, got {case['folder']}"
        if case["id"] in seen:
            return f"{case['id']} is there twice"
        seen.add(case["id"])
        asked = [(r["name"], r["shape"]) for r in case["results"]]
        if asked != [(right["result"], right["value"]["shape"]) for right in case["expected"]]:
            return f"the expected results of {case['id']} are not those that are asked for"
    return ""


def _refused(constant: str) -> Any:
    raise ValueError(f"{constant} is no number of JSON")

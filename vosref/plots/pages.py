"""Pages that need nothing but themselves: a template, one style, one script, and a policy that forbids the network."""

import base64
import hashlib
import io
import json
from collections.abc import Sequence
from importlib.resources import files
from string import Template
from typing import Any, Literal

from PIL import Image

__all__ = ["assembled", "data_uri", "embedded"]


def assembled(folder: str, scripts: Sequence[str], /, **parts: str) -> str:
    """Put a page together.

    Parameters
    ----------
    folder : str
        Of `vosref.plots`, with `page.html`, `style.css` and the scripts.
    scripts : sequence of str
        Names of the scripts, without suffix; they become one module, in this order.
    **parts
        What else stands in the template.

    Returns
    -------
    str
        HTML. `$style_hash` and `$script_hash` in its policy name the only style and script that may run.
    """
    place = files("vosref.plots") / folder
    style = (place / "style.css").read_text(encoding="utf-8")
    script = "\n".join((place / f"{name}.js").read_text(encoding="utf-8") for name in scripts)
    own = {"style": style, "style_hash": _hash(style), "script": script, "script_hash": _hash(script)}
    return Template((place / "page.html").read_text(encoding="utf-8")).substitute(own, **parts)


def embedded(value: Any, /) -> str:
    """Write JSON in ASCII that no name inside can end early: `<` is written as its number."""
    return json.dumps(value, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def data_uri(image: Image.Image, kind: Literal["jpeg", "png"], /, **options: Any) -> str:
    """Write a picture as the address under which a page finds it in itself; options are Pillow's of the format."""
    data = io.BytesIO()
    image.save(data, format=kind.upper(), **options)
    return f"data:image/{kind};base64," + base64.b64encode(data.getvalue()).decode()


def _hash(text: str) -> str:
    """Return how a content security policy names a text that may run."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

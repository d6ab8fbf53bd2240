"""Where foreign names are documented, written down beforehand: the book builds without a network, and alike everywhere.

intersphinx reads an inventory for each project, usually from the project's site. Here it reads small ones that hold the
names which our docstrings use. Every address follows the scheme of the site that it names.
"""

import zlib
from pathlib import Path

__all__ = ["INVENTORIES", "write_inventories"]

PYTHON = {
    "library/functions.html": "py:class int float str bool bytes tuple list dict type object set frozenset",
    "library/exceptions.html": "py:exception ValueError TypeError RuntimeError OSError KeyError UserWarning Exception "
    "ImportError AssertionError StopIteration KeyboardInterrupt MemoryError AttributeError",
    "library/constants.html": "py:data None True False",
    "library/pathlib.html": "py:class pathlib.Path",
    "library/fractions.html": "py:class fractions.Fraction",
    "library/concurrent.futures.html": "py:class concurrent.futures.Executor concurrent.futures.ThreadPoolExecutor "
    "concurrent.futures.ProcessPoolExecutor",
    "library/typing.html": "py:class typing.NamedTuple typing.Protocol",
    "library/collections.abc.html": "py:class collections.abc.Iterable collections.abc.Iterator "
    "collections.abc.Mapping collections.abc.Sequence collections.abc.Callable collections.abc.Generator",
}
NUMPY = {
    "reference/generated/{}.html": "py:class numpy.ndarray numpy.dtype",
    "reference/random/generator.html": "py:class numpy.random.Generator",
}
INVENTORIES = {  # project: (its site, page: role and names there)
    "python": ("https://docs.python.org/3/", PYTHON),
    "numpy": ("https://numpy.org/doc/stable/", NUMPY),
    "matplotlib": (
        "https://matplotlib.org/stable/",
        {"api/_as_gen/{}.html": "py:class matplotlib.figure.Figure matplotlib.axes.Axes"},
    ),
}


def write_inventories(folder: Path, /) -> dict[str, tuple[str, str]]:
    """Write the inventories into a folder; return intersphinx's mapping to them."""
    folder.mkdir(parents=True, exist_ok=True)
    mapping = {}
    for project, (site, pages) in INVENTORIES.items():
        path = folder / f"{project}.inv"
        content = _inventory(project, pages)
        if not path.is_file() or path.read_bytes() != content:
            path.write_bytes(content)
        mapping[project] = (site, str(path))
    return mapping


def _inventory(project: str, pages: dict[str, str]) -> bytes:
    """Write Sphinx's second version of inventories: four lines of text, then compressed ones, one for each name."""
    head = f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
    head += "# The remainder of this file is compressed using zlib.\n"
    lines = []
    for page, row in pages.items():
        role, *names = row.split()
        lines += [f"{name} {role} 1 {page.format(name)}#$ -\n" for name in names]
    return head.encode() + zlib.compress("".join(lines).encode(), 9)

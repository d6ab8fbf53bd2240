"""The book as an extension of Sphinx: pages written before it reads any, aliases and uses of entries, the explorer."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.domains.python import ObjectEntry
from sphinx.ext.autodoc.mock import _MockObject, mock
from sphinx.util.nodes import make_refnode

from _book.command_line import command_line_page
from _book.comments import fields_of
from _book.equations import equation_page
from _book.links import contributing_page, links_within
from _book.names import Entry, documented
from _book.prose import escaped, fields_section, names_and_uses, set_apart
from _book.reference import WORDS, reference_pages
from _book.uses import Notebook, notebooks, uses_by_path

__all__ = ["MOCKED", "Book", "connect"]

# Imported by some modules and needed to read none of their docstrings, so the book looks the same without them.
MOCKED = ["torch", "cupy", "tensorflow", "onnxruntime", "openvino", "faiss", "cv2", "distributed", "av"]
GENERATED = "_generated"
BEFORE, AFTER = 400, 600  # numpydoc stands at 500: docstrings before it are prose, and after it reStructuredText


class Book:
    """What is known of the library while the book is built."""

    def __init__(self) -> None:
        self.entries: dict[str, Entry] = {}
        self.uses: Mapping[str, list[Notebook]] = {}

    def write(self, app: Sphinx) -> None:
        """Write the generated pages, before Sphinx looks for pages."""
        source = Path(app.srcdir)
        with mock(MOCKED):
            listed = documented()
            self.entries = {entry.path: entry for entry in listed}
            self.uses = uses_by_path(listed, notebooks(source))
            pages = reference_pages(listed)
        pages |= {
            "command_line.rst": command_line_page(),
            "equations.rst": equation_page(listed, self.uses),
            "changelog.md": (source.parent / "CHANGELOG.md").read_text(encoding="utf-8"),
            "contributing.md": contributing_page(
                (source.parent / ".github" / "CONTRIBUTING.md").read_text(encoding="utf-8")
            ),
        }
        _write_pages(source / GENERATED, pages)

    def read(self, app: Sphinx, page: str, content: list[str]) -> None:  # noqa: ARG002 - Sphinx's
        """Let links that hold on GitHub hold in the book."""
        content[0] = links_within(content[0])

    def before(self, app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG002 - Sphinx's
        """Make a docstring reStructuredText, with the fields of a NamedTuple as a section of their own."""
        home = getattr(thing, "__module__", None) or ""
        if what in WORDS and not home.startswith(("vosref", "typing")):
            lines[:] = [next(filter(None, lines), ""), "", f"Of ``{home.partition('.')[0]}``, which documents it."]
            return
        lines[:] = escaped(set_apart(lines) if what == "module" else lines)
        if what == "class" and hasattr(thing, "_fields"):
            lines += fields_section(fields_of(thing))

    def after(self, app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:  # noqa: ARG002 - Sphinx's
        """Say at the end of an entry which other names the object has, and which notebooks use it."""
        if name in self.entries:
            lines += names_and_uses(self.entries[name].aliases, self.uses[name])

    def skip(self, app: Sphinx, what: str, name: str, thing: Any, skip: bool, options: Any) -> bool | None:  # noqa: ARG002 - Sphinx's
        """Leave out the fields of a NamedTuple, which have a section."""
        return True if type(thing).__name__ == "_tuplegetter" else None

    def alias(self, app: Sphinx, env: Any) -> None:  # noqa: ARG002 - Sphinx's
        """Let links and the inventory find every name of an object."""
        objects = env.domains["py"].objects
        for path, entry in self.entries.items():
            for alias in entry.aliases if path in objects else ():
                of = objects[path]
                objects[alias] = ObjectEntry(of.docname, of.node_id, of.objtype, aliased=True)

    def link(self, app: Sphinx, env: Any, node: Any, words: Any) -> Any:
        """Find what docstrings name as it is found in the package, such as `distance.expanded_squares`."""
        found = env.domains.python_domain.objects.get(f"vosref.{node['reftarget']}")
        if node.get("refdomain") != "py" or found is None or not node.get("refdoc"):
            return None
        return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, words)

    def serve_explorer(self, app: Sphinx, error: Exception | None) -> None:
        """Copy the interactive pages, which the notebooks wrote while they ran, beside the book's own."""
        written = Path(app.srcdir) / "_explorer"
        if error is None and app.builder.format == "html" and written.is_dir():
            shutil.copytree(written, Path(app.outdir) / "_explorer", dirs_exist_ok=True)


def connect(app: Sphinx, /) -> None:
    """Connect a new book to Sphinx's events."""
    book = Book()
    # Annotations such as `Tensor | None` are computed on import, and what stands in for a mocked Tensor has no |.
    for operator in ("__or__", "__ror__"):
        setattr(_MockObject, operator, lambda stand_in, _other: stand_in)
    app.connect("builder-inited", book.write)
    app.connect("source-read", book.read)
    app.connect("autodoc-process-docstring", book.before, priority=BEFORE)
    app.connect("autodoc-process-docstring", book.after, priority=AFTER)
    app.connect("autodoc-skip-member", book.skip)
    app.connect("missing-reference", book.link)
    app.connect("env-updated", book.alias)
    app.connect("build-finished", book.serve_explorer)


def _write_pages(folder: Path, pages: Mapping[str, str]) -> None:
    """Write pages where they differ from what is there, and remove what is no page any more."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.name not in pages and path.suffix in (".rst", ".md"):
            path.unlink()
    for name, text in pages.items():
        path = folder / name
        if not path.is_file() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")

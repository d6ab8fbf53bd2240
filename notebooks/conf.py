"""The book's configuration: tutorial, how-to, reference and explanation from this folder, without a network."""

import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from _book.entries import MOCKED, connect  # noqa: E402
from _book.inventories import write_inventories  # noqa: E402

import vosref  # noqa: E402 - the folder of `_book` is known from here on

project = "vosref"
author = "The vosref developers"
version = release = vosref.__version__
language = "en"
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "sphinx-mathjax-offline",
    "sphinx_copybutton",
]
exclude_patterns = ["_build", "_book", "_static", "_explorer", "**/.ipynb_checkpoints"]
default_role = "py:obj"
python_use_unqualified_type_names = True
toc_object_entries_show_parents = "hide"

autodoc_mock_imports = MOCKED
autodoc_typehints = "none"
autodoc_member_order = "bysource"
autodoc_inherit_docstrings = False

numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_ignore = "all"  # but for these, whose words are links
numpydoc_xref_aliases = {
    "array": "vosref.backend.Array",
    "Path": "pathlib.Path",
    "Executor": "concurrent.futures.Executor",
    "callable": "collections.abc.Callable",
    "generator": "collections.abc.Generator",
    "iterable": "collections.abc.Iterable",
    "iterator": "collections.abc.Iterator",
    "mapping": "collections.abc.Mapping",
    "sequence": "collections.abc.Sequence",
    "numpy.random.Generator": "numpy.random.Generator",
    **{word: word for word in ("int", "float", "str", "bool", "bytes", "tuple", "list", "dict", "None")},
}
intersphinx_mapping = write_inventories(HERE / "_generated" / "inventories")

myst_enable_extensions = ["amsmath", "attrs_inline", "colon_fence", "deflist", "dollarmath", "smartquotes"]
myst_heading_anchors = 3
myst_dmath_double_inline = True
nb_execution_mode = "cache"
nb_execution_cache_path = os.environ.get("VOSREF_BOOK_CACHE") or str(HERE / "_build" / ".jupyter_cache")
nb_execution_raise_on_error = True
nb_execution_show_tb = True
nb_execution_timeout = 240
nb_merge_streams = True
nb_render_markdown_format = "myst"  # tables and formulas that a cell returns
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

html_theme = "pydata_sphinx_theme"
html_title = "vosref"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options: dict[str, Any] = {
    "logo": {"text": "vosref"},
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "show_nav_level": 1,
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars: dict[str, list[str]] = {"index": []}
html_show_copyright = False


def setup(app: Any) -> None:
    """Connect the book to Sphinx."""
    connect(app)

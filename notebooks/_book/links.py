"""Links that hold on GitHub made to hold in the book: those about contributing, and to pages that cells write."""

import re

__all__ = ["contributing_page", "links_within"]

LINK = re.compile(r"\[((?:[^\]`]|`[^`]*`)*)\]\(\.\./([^)]+)\)")
OUTSIDE = "../.github/CONTRIBUTING.md"
# Written while the notebook runs and served beside the book, so no file that Sphinx has to find when it reads.
WRITTEN = re.compile(r"\[([^\]]+)\]\((_explorer/[^)]+)\)")


def contributing_page(text: str, /) -> str:
    """Return the page: links to pages of the book stay links, and those to other files become their words."""
    return LINK.sub(lambda found: _link(found[1], found[2]), text)


def links_within(text: str, /) -> str:
    """Return the source of a page with links to the book's own page on contributing, and to interactive pages."""
    inside = text.replace(f"]({OUTSIDE})", "](/_generated/contributing.md)")
    return WRITTEN.sub(r'<a class="reference external" href="\2">\1</a>', inside)


def _link(words: str, target: str) -> str:
    page = target.removeprefix("notebooks/")
    return f"[{words}](/{page})" if page != target and page.endswith(".md") else words

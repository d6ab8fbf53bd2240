"""The book, without building it: nothing public is missing, links and commands exist, what pages show runs."""

import importlib
import re
import shlex
import sys
from pathlib import Path

import pytest

sphinx = pytest.importorskip("sphinx", reason="the book's tools are absent (pip install '.[docs]')")

from test_house import EQUATIONS  # noqa: E402

import vosref.video  # noqa: E402
from vosref.samples import open_clip  # noqa: E402

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
PAGES = sorted(FOLDER.glob("[a-z]*.md"))
EVERY = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


@pytest.fixture(scope="module")
def book():
    """The book's own modules, found as `conf.py` finds them."""
    sys.path.insert(0, str(FOLDER))
    try:
        yield lambda name: importlib.import_module(f"_book.{name}")
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def entries(book):
    pytest.importorskip("torch", reason="without PyTorch vosref.train is documented while Sphinx mocks it")
    return book("names").documented()


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_every_public_name_has_an_entry_in_the_reference(book, entries):
    pages = book("reference").reference_pages(entries)
    text = "\n".join(pages.values())
    stated = set(re.findall(r"^\.\. auto\w+:: (\S+)$", text, re.MULTILINE))
    stated |= {f"{m}.{n}" for n, m in re.findall(r"^\.\. py:data:: (\S+)\n   :module: (\S+)$", text, re.MULTILINE)}
    known = {name: entry for entry in entries for name in (entry.path, *entry.aliases)}
    for module in (vosref, *book("names").public_modules()):
        for name in set(getattr(module, "__all__", ())) - {"__version__"}:
            assert known[f"{module.__name__}.{name}"].path in stated


def test_each_entry_is_short_of_no_word_of_its_own(entries):
    for entry in entries:
        thing = getattr(importlib.import_module(entry.module), entry.name)
        assert entry.kind == "data" or (thing.__doc__ or "").strip(), entry.path


def test_the_equation_map_has_every_equation_and_the_notebooks_that_run_it(book, entries):
    uses = book("uses").uses_by_path(entries, book("uses").notebooks(FOLDER))
    page = book("equations").equation_page(entries, uses)
    for tag, homes in EQUATIONS.items():
        assert tag in page
        assert all(f"vosref.{home}" in page for home in homes)
    unshown = {tag for tag, homes in EQUATIONS.items() if not any(uses[f"vosref.{home}"] for home in homes)}
    assert unshown <= {"TVOS 8"}, "no notebook runs them; that one is trained with"


def test_a_use_is_found_under_any_of_a_names_spellings(book):
    code = book("uses").code_of(
        "# One\n\n```{code-cell} python\n:tags: [hide-input]\nimport vosref\nfrom vosref import matching as m\n"
        "%timeit 1\nm.local_matching(1)\nvosref.tvos.step\n```\n\n```python\nvosref.never\n```\n"
    )
    used = book("uses").names_used(code)
    assert {"vosref.matching.local_matching", "vosref.tvos.step"} <= used
    assert "vosref.never" not in used


def test_foreign_names_are_known_without_a_network(book, tmp_path):
    inventory = importlib.import_module("sphinx.util.inventory").InventoryFile
    for name, (address, file) in book("inventories").write_inventories(tmp_path).items():
        assert address.startswith("https://"), name
        assert inventory.loads(Path(file).read_bytes(), uri=address).data


def test_the_page_of_the_command_line_has_every_option(book):
    page = book("command_line").command_line_page()
    for name, command in book("command_line").commands():
        assert f"\n{name}\n" in page
        options = [o for p in command.params if not getattr(p, "hidden", False) for o in p.opts if o.startswith("--")]
        assert all(option in page for option in options), name


def test_every_page_stands_in_a_table_of_contents():
    trees = re.findall(r"^```\{toctree\}\n(.*?)^```$", "\n".join(p.read_text("utf-8") for p in PAGES), re.M | re.DOTALL)
    listed = {line for tree in trees for line in tree.splitlines() if line and not line.startswith(":")}
    assert {path.stem for path in FOLDER.glob("*.md")} - {"index"} <= listed


def test_the_tutorial_asks_what_the_notebooks_ask():
    table = (FOLDER / "tutorial.md").read_text(encoding="utf-8")
    for path in FOLDER.glob("[0-9]*.md"):
        (question, *_) = re.findall(r"^\*\*(.+?\?)\*\*$", path.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
        number = path.stem.partition("_")[0]
        assert f"| [{number}]({path.name}) | {' '.join(question.split())} |" in table


def test_a_page_for_github_has_links_that_hold_in_the_book(book):
    written = book("links").contributing_page(
        "See [a page](../notebooks/train.md), [`x`](../tests/x.py), [the folder](../notebooks/), [it](https://x.org)."
    )
    assert written == "See [a page](/train.md), `x`, the folder, [it](https://x.org)."
    assert book("links").links_within("[C](../.github/CONTRIBUTING.md)") == "[C](/_generated/contributing.md)"
    assert (
        book("links").links_within("[On its own](_explorer/8.html)").endswith('href="_explorer/8.html">On its own</a>')
    )


@EVERY
def test_every_link_of_a_page_leads_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        assert target.startswith("_generated/") or (FOLDER / target).exists(), target


@EVERY
def test_every_command_of_a_page_exists_with_its_options(page, book):
    known = dict(book("command_line").commands())
    for line in "\n".join(blocks(page, "sh")).replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] == ["vosref"]:
            name = " ".join(words[: 3 if " ".join(words[:3]) in known else 2])
            options = {o for p in known[name].params for o in (*p.opts, *p.secondary_opts)}
            assert {word for word in words if word.startswith("--")} <= options, line


@EVERY
@pytest.mark.usefixtures("definitions")
def test_every_example_of_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for block in blocks(page, "python"):
        if "FRAMES" not in block:
            exec(compile(block, page.name, "exec"), {"__name__": "example"})  # noqa: S102 - our own book


def test_the_smallest_method_of_the_book_runs_in_the_loop(tmp_path, monkeypatch):
    (written,) = blocks(FOLDER / "add_a_method.md", "python")
    (tmp_path / "still.py").write_text(written, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "vosref.still", importlib.import_module("still"))
    monkeypatch.setattr(vosref.video, "METHODS", (*vosref.video.METHODS, "still"))
    clip = open_clip("two-crossing")
    later = {2: clip.masks[2] * (clip.masks[2] == 6)}
    first = clip.masks[0] * (clip.masks[0] != 6)
    for given, ids in ((None, {0, 1}), (later, {0, 1, 6})):
        options = {} if given is None else {"later": given}
        masks = list(vosref.segment_video(clip.frames[:4], first, method="still", **options))
        assert len(masks) == 4
        assert {*masks[-1].ravel().tolist()} == ids

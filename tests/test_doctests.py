"""The examples of the docstrings: each one runs, with either tier, and every main entry has one."""

import ast
import doctest
import importlib
import os
import re
import sys
from pathlib import Path

import pytest

import vosref
from vosref.backend import use_cpu

PACKAGE = Path(vosref.__file__).parent
INTERPRETED = os.environ.get("NUMBA_DISABLE_JIT") == "1"
HEADING = re.compile(r"^ *Examples\n *-{8}\n", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")
MAIN = (  # beside the names of `vosref` itself
    "conformance.asserting.assert_conforms",
    "conformance.runner.check_subject",
    "evaluation.protocols.protocol_named",
    "evaluation.temporal.temporal_stability",
    "nn.heads.segmentation_head",
    "nn.networks.network",
    "nn.ops.conv2d",
    "plots.colours.object_colours",
    "runs.many.segment_many",
    "samples.render",
    "samples.sample_path",
    "video.differences",
    "video.walk",
    "weights.catalogue.load",
)


def documented():
    """Walk over the package without importing it: where a docstring belongs, and the docstring."""
    for path in sorted(PACKAGE.rglob("*.py")):
        inner = path.relative_to(PACKAGE).with_suffix("").parts
        module = ".".join(part for part in ("vosref", *inner) if part != "__init__")
        tree = ast.parse(path.read_text(encoding="utf-8"))
        yield from ((module, name, doc) for name, node in _nodes(tree, ()) if (doc := ast.get_docstring(node)))


def _nodes(node, names):
    yield ".".join(names), node
    for child in node.body:
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            yield from _nodes(child, (*names, child.name))


def resolved(module, name):
    value = importlib.import_module(module)
    for part in filter(None, name.split(".")):
        value = getattr(value, part)
    return value


def examples(text):
    return doctest.DocTestParser().get_examples(text)


DOCUMENTED = {(module, name): doc for module, name, doc in documented()}
WITH_EXAMPLES = sorted(where for where, doc in DOCUMENTED.items() if ">>>" in doc)


@pytest.mark.parametrize("tier", ["numba", "numpy"])
@pytest.mark.parametrize(("module", "name"), WITH_EXAMPLES, ids=lambda part: part.removeprefix("vosref."))
def test_an_example_gives_what_it_says(module, name, tier, tmp_path, monkeypatch):
    if module.startswith("vosref.train"):
        pytest.importorskip("torch")
    test = one_test(module, name)
    if INTERPRETED and tier == "numba" and any(word in test.docstring for word in ("segment_", "walk(", "inspect_")):
        pytest.skip("a whole network, interpreted, takes up to a minute")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)  # which keeps figures, and may open windows
    said = []
    with use_cpu(tier):
        failed, _ = doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert not failed, "".join(said)


def one_test(module, name):
    value = resolved(module, name)
    tests = doctest.DocTestFinder(recurse=False).find(value, f"{module}.{name}", importlib.import_module(module))
    assert len(tests) == 1, "doctest does not find it"
    return tests[0]


def test_doctest_finds_an_example_behind_the_dispatcher_too():
    assert one_test("vosref.matching", "global_matching").examples
    assert vosref.global_matching.__wrapped__.__doc__ == vosref.global_matching.__doc__


def test_an_example_that_is_wrong_shows_what_it_expected_and_got():
    said = []
    test = doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "sum", None, 0)
    assert doctest.DocTestRunner(verbose=False).run(test, out=said.append).failed == 1
    assert re.search(r"Expected:\s+3\s+Got:\s+2", "".join(said))


def test_every_public_name_and_every_main_entry_has_an_example():
    offered = {name: resolved(f"vosref.{module}", name).__doc__ for name, module in vosref._MODULE_OF.items()}
    assert {"__version__", *offered} == set(vosref.__all__)
    entries = {f"vosref.{name}": DOCUMENTED[_split(f"vosref.{name}")] for name in MAIN}
    without = [name for name, doc in (offered | entries).items() if not HEADING.search(doc) or not examples(doc)]
    assert without == []
    gradients = importlib.import_module("vosref.gradients")
    assert [name for name in gradients.__all__ if not examples(getattr(gradients, name).__doc__)] == []


def _split(path):
    module, _, name = path.rpartition(".")
    return module, name


def test_no_example_is_empty_shows_nothing_is_skipped_or_stands_outside_its_section():
    wrong = []
    for where, doc in DOCUMENTED.items():
        before, *sections = HEADING.split(doc)
        ends = [any(e.want or e.exc_msg for e in examples(section)) for section in sections]
        if ">>>" in before or "+SKIP" in doc or len(sections) > 1 or not all(ends):
            wrong.append(where)
    assert wrong == []


def test_what_contributing_links_to_is_there():
    guide = PACKAGE.parent / ".github" / "CONTRIBUTING.md"
    links = LINK.findall(guide.read_text(encoding="utf-8"))
    assert len(links) > 20
    assert [link for link in links if not (guide.parent / link).resolve().exists()] == []

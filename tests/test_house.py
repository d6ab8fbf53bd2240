"""The rules of the house that no single file can keep: tags, public names, twins, weight of the import."""

import ast
import importlib
import inspect
import json
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import pytest

import vosref
import vosref.kernels

PACKAGE = Path(vosref.__file__).parent
EQUATIONS = {  # tag: its homes
    "FEELVOS 1": ("distance.embedding_distance",),
    "FEELVOS 2": ("matching.global_matching",),
    "FEELVOS 3": ("matching.global_matching",),
    "FEELVOS 4": ("matching.local_matching",),
    "FEELVOS §3": ("nn.heads.segmentation_head",),
    "TVOS §3.3": ("sampling.motion_prior", "sampling.reference_frames"),
    "TVOS 1": ("propagation.energy",),
    "TVOS 2": ("propagation.closed_form",),
    "TVOS 3": ("propagation.propagate_iterative",),
    "TVOS 4": ("propagation.propagate_online",),
    "TVOS 5": ("propagation.online_energy",),
    "TVOS 6": ("affinity.affinity",),
    "TVOS 7": ("propagation.softmax_vote",),
    "TVOS 8": ("losses.transductive_loss",),
    "TVOS S": ("affinity.normalised_affinity",),
}
HEAVY = ("numba", "scipy", "matplotlib", "typer", "rich", "torch", "cupy", "PIL", "safetensors")
EQUATION = r"(?:\d+|S|§3\.3|§3)"  # a number, or what the papers left without one
TAG = re.compile(rf"\[(TVOS|FEELVOS) ({EQUATION}(?:, {EQUATION})*)\]")


def summaries():
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and (doc := ast.get_docstring(node)):
                module = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
                yield f"{module}.{node.name}", doc.splitlines()[0]


def test_every_equation_has_its_home_and_it_is_the_one_on_the_map():
    tagged = sorted(
        (f"{paper} {number}", name)
        for name, summary in summaries()
        for paper, numbers in TAG.findall(summary)
        for number in numbers.split(", ")
    )
    assert tagged == sorted((tag, home) for tag, homes in EQUATIONS.items() for home in homes)


def test_every_public_name_is_there_and_documented():
    assert len(set(vosref.__all__)) == len(vosref.__all__)
    for name in vosref.__all__:
        assert getattr(vosref, name).__doc__, name
        assert name in dir(vosref)
    with pytest.raises(AttributeError, match="module 'vosref' has no attribute 'affinities'"):
        _ = vosref.affinities


def modules():
    names = [m.name for m in pkgutil.walk_packages(vosref.__path__, "vosref.")]
    return [importlib.import_module(name) for name in names if not name.endswith("__main__")]


def test_every_module_says_what_it_is_for_and_lists_names_it_has():
    for module in modules():
        assert module.__doc__, module.__name__
        for name in getattr(module, "__all__", ()):
            assert hasattr(module, name), f"{module.__name__}.{name}"


def test_every_public_name_in_the_kernels_is_a_twin_of_an_accelerated_definition():
    found = 0
    for info in pkgutil.iter_modules(vosref.kernels.__path__):
        family, _, idea = info.name.partition("_")
        if family not in ("numba", "cupy"):
            continue
        kernels = importlib.import_module(f"vosref.kernels.{info.name}")
        homes = (m for m in modules() if m.__name__.rpartition(".")[2] == idea)
        home = next(
            m for m in homes if m.__name__.split(".")[1] not in ("kernels", "bench", "gradients", "conformance")
        )
        for name in kernels.__all__:
            definition = getattr(home, name).__wrapped__
            theirs, ours = (
                list(inspect.signature(f).parameters.values()) for f in (definition, getattr(kernels, name))
            )
            assert [(p.name, p.kind) for p in theirs] == [(p.name, p.kind) for p in ours], name
            found += 1
    assert found == 18


def test_importing_vosref_loads_nothing_heavy():
    code = f"import vosref, sys, json; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


def lines_of_examples(text):
    """Count the lines in the `Examples` sections of docstrings: prose that grows without the idea growing."""
    lines, count = text.splitlines(), 0
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef) or not ast.get_docstring(node):
            continue
        inside = False
        for i in range(node.body[0].lineno, node.body[0].end_lineno - 1):  # between the lines with the quotes
            if re.fullmatch(r" *-{3,}", lines[i + 1]):
                inside = lines[i].strip() == "Examples"
                count += inside and not lines[i - 1].strip()  # the blank line before the heading
            count += inside
    return count


def test_no_file_outgrows_its_idea():
    texts = {p: p.read_text(encoding="utf-8") for p in PACKAGE.rglob("*.py")}
    longest = {p.name: len(text.splitlines()) - lines_of_examples(text) for p, text in texts.items()}
    assert {name: n for name, n in longest.items() if n > 270} == {}


def test_the_lines_of_an_example_do_not_count_and_all_others_do():
    doc = "Add.\n\n    Returns\n    -------\n    int\n\n    Examples\n    --------\n    >>> add(1)\n    2\n"
    assert lines_of_examples(f'def add(x):\n    """{doc}    """\n    # Examples\n    # --------\n') == 5
    notes = "\n    Notes\n    -----\n    None.\n"
    assert lines_of_examples(f'def add(x):\n    """{doc}{notes}    """\n') == 6
    assert lines_of_examples('TEXT = """\nExamples\n--------\n"""\n') == 0


def test_the_versions_agree():
    citation = (PACKAGE.parent / "CITATION.cff").read_text(encoding="utf-8")
    assert f"\nversion: {vosref.__version__}\n" in citation
    assert f"## {vosref.__version__}" in (PACKAGE.parent / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_readmes_python_runs():
    blocks = re.findall(r"```python\n(.*?)```", (PACKAGE.parent / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    complete = [block for block in blocks if "FRAMES" not in block]
    assert len(complete) == 3
    for block in complete:
        exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - our own README

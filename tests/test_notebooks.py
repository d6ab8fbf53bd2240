"""The notebooks: each runs from top to bottom, shows its figures, and defines nothing of its own."""

import ast
import itertools
import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from executed import FOLDER, PATHS, code, execute, figures, outputs, prose, read
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from PIL import Image
from test_house import EQUATIONS, summaries

NAMES = [
    "1_embedding_distance",
    "2_matching",
    "3_segmentation_head",
    "4_transduction",
    "5_online_propagation",
    "6_sampling_and_motion",
    "7_feelvos_step_by_step",
    "8_tvos_step_by_step",
    "9_metrics",
    "10_affinity_as_flow",
    "11_three_backends",
    "12_test_your_kernel",
]
# The reader's kernel is the subject of the last one.
DEFINING = {"12_test_your_kernel"}
THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"  # else every third is tried on real video
EVERY = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
CLIP = re.compile(r'samples\.open_clip\("[^"]+"\)  # or your own: samples\.open_clip\("FRAMES", masks="MASKS"\)')


def test_they_are_twelve_and_each_leads_to_the_next():
    assert [path.stem for path in PATHS] == NAMES
    for path, following in itertools.pairwise(PATHS):
        assert f"({following.name})" in path.read_text(encoding="utf-8").rpartition("Next:")[2], path.stem


@EVERY
def test_it_runs_without_a_warning_and_shows_its_figures(path):
    notebook = read(path)
    execute(notebook, FOLDER)
    assert not outputs(notebook, "stream")
    shown = figures(notebook)
    assert len(shown) >= 4
    for figure in shown:
        assert min(figure.shape[:2]) >= 200
        assert len(np.unique(figure.reshape(-1, 3), axis=0)) > 20, "an empty picture"
    if cache := os.environ.get("VOSREF_BOOK_CACHE"):  # what was run here, the book need not run again
        executed = CacheBundleIn(notebook, str(path))
        get_cache(cache).cache_notebook_bundle(executed, check_validity=False, overwrite=True)


@pytest.fixture(scope="module")
def swan(shared_data, tmp_path_factory):
    """Real video at a quarter of its size, as the line that opens it: its first frames, and their masks."""
    folder = tmp_path_factory.mktemp("blackswan")
    for kind in ("JPEGImages", "Annotations"):
        (folder / kind).mkdir()
        for path in sorted((shared_data / "davis2016" / kind / "480p" / "blackswan").iterdir())[:6]:
            with Image.open(path) as image:
                image.resize((213, 120), Image.Resampling.NEAREST).save(folder / kind / f"{path.stem}.png")
    return f"samples.open_clip({str(folder / 'JPEGImages')!r}, masks={str(folder / 'Annotations')!r})"


@pytest.mark.parametrize("path", PATHS if THOROUGH else PATHS[::3], ids=lambda path: path.stem)
def test_on_real_video_it_runs_too(path, swan, tmp_path):
    notebook = read(path)
    replaced = [CLIP.subn(swan, cell.source) for cell in notebook.cells]
    if not any(n for _, n in replaced):
        pytest.skip("it is about numbers, or about a clip of its own")
    for cell, (source, _) in zip(notebook.cells, replaced, strict=True):
        cell.source = source
    execute(notebook, tmp_path)


@EVERY
def test_it_asks_a_question_and_says_what_it_runs(path):
    text = prose(read(path))
    heading, question = text.split("\n\n")[:2]
    number, _, _ = path.stem.partition("_")
    assert re.fullmatch(rf"# {number} · [A-Z].*", heading)
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
    assert re.fullmatch(r"\*\*.+\?\*\*", question, re.DOTALL), question
    for section in ("## Exercises", "## What to remember", "## Where it is in the code"):
        assert text.count(section + "\n") == 1, section


@EVERY
def test_its_equations_have_a_home_in_the_code(path):
    homes = {tag for _, line in summaries() for tag in _tags(line)} | set(EQUATIONS)
    tags = set(_tags(prose(read(path))))
    assert tags <= homes, f"no docstring begins with {sorted(tags - homes)}"


def _tags(text):
    groups = re.findall(r"\[(FEELVOS|TVOS) ([^\]]+)\]", text)
    return [f"{paper} {number}" for paper, numbers in groups for number in numbers.split(", ")]


@EVERY
def test_it_has_an_exercise_whose_answer_is_checked(path):
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    answers = [n for n, cell in enumerate(cells) if "hide-input" in cell.metadata.get("tags", ())]
    assert answers
    assert all(re.search(r"^assert ", cells[n + 1].source, re.MULTILINE) for n in answers)


@EVERY
def test_it_defines_nothing_and_imports_only_what_everybody_has(path):
    everybody = {"IPython", "matplotlib", "numpy", "scipy", "threadpoolctl", "vosref", *sys.stdlib_module_names}
    for source in code(read(path)):
        tree = ast.parse(source)
        nodes = list(ast.walk(tree))
        if path.stem not in DEFINING:
            assert not [n for n in nodes if isinstance(n, (ast.FunctionDef, ast.ClassDef, ast.Lambda))], source
        imported = {n.module for n in nodes if isinstance(n, ast.ImportFrom)}
        imported |= {alias.name for n in nodes if isinstance(n, ast.Import) for alias in n.names}
        assert {name.partition(".")[0] for name in imported} <= everybody


@EVERY
def test_what_it_links_to_exists(path):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), target
    for named in re.findall(r"`((?:vosref|tests)/[\w/.*]+)`", path.read_text(encoding="utf-8")):
        assert list(Path(FOLDER.parent).glob(named)), named

"""The notebooks as the tests read and run them."""

import base64
import io
import os
from pathlib import Path

import jupytext
import numpy as np
from nbclient import NotebookClient
from PIL import Image

FOLDER = Path(__file__).resolve().parents[1] / "notebooks"
PATHS = sorted(FOLDER.glob("[0-9]*.md"), key=lambda path: int(path.stem.partition("_")[0]))
SECONDS = 240  # a cell that takes longer hangs


def read(path):
    """Return a notebook without outputs."""
    return jupytext.read(path)


def execute(notebook, folder):
    """Run a notebook in a folder, from top to bottom, in a kernel of its own; a cell that fails raises."""
    environment = {**os.environ, "MPLBACKEND": "module://no_pyplot_here"}  # figures are made without pyplot
    options = {"timeout": SECONDS, "record_timing": False}  # with times in them, no two runs are alike
    NotebookClient(notebook, resources={"metadata": {"path": str(folder)}}, **options).execute(env=environment)


def outputs(notebook, kind):
    """Return all outputs of a kind, such as "stream"."""
    return [o for cell in notebook.cells if cell.cell_type == "code" for o in cell.outputs if o.output_type == kind]


def figures(notebook):
    """Return the pictures that a notebook shows, as arrays."""
    data = [o.data for o in outputs(notebook, "execute_result") + outputs(notebook, "display_data")]
    pngs = [base64.b64decode(d["image/png"]) for d in data if "image/png" in d]
    return [np.asarray(Image.open(io.BytesIO(png)).convert("RGB")) for png in pngs]


def code(notebook):
    """Return the sources of the code cells."""
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def prose(notebook):
    """Return the text between the code."""
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")

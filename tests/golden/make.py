"""Remake the golden files beside this script from the PyTorch twins: `python tests/golden/make.py`."""

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from golden import cases, files


def main():
    """Compute everything, hold ResNet-50 to the published numbers, and only then write."""
    outputs = {name: cases.compute(name) for name in files.INPUTS}
    cases.assert_published(outputs["tvos-resnet50"]["features"])
    for name, arrays in outputs.items():
        text = json.dumps(files.document(name, arrays)).replace('"outputs"', '\n"outputs"')
        (files.FOLDER / f"{name}.json").write_text(f"{text}\n", encoding="utf-8")


if __name__ == "__main__":
    main()

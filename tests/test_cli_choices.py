"""What several commands take and read alike: sizes, and weights that workers find from anywhere."""

import pytest
import typer

from vosref.cli.choices import anywhere, size_in_bytes
from vosref.video import configure


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("1", 1), ("4096", 4096), ("12b", 12), ("800M", 800_000_000), ("800mb", 800_000_000), ("1.5GB", 1_500_000_000),
        ("2GiB", 2**31), ("2 Gi", 2**31), (".5k", 500), ("1T", 10**12), (" 3KiB ", 3072),
    ],
)  # fmt: skip
def test_a_size_is_read(text, size):
    assert size_in_bytes(text) == size


@pytest.mark.parametrize("text", ["", "0", "0.2", "-1", "1e9", "G", "2 X", "1.2.3M", "ib", "3ib", "nan", "٣M x"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(typer.BadParameter, match="--memory takes a size such as 800M"):
        size_in_bytes(text)


def test_a_file_of_weights_is_found_from_anywhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    lite = configure("tvos")
    assert anywhere(lite) == lite
    assert anywhere(lite._replace(weights="w.safetensors")).weights == str(tmp_path / "w.safetensors")

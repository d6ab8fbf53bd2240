"""Sources opened together, as the command names them."""

import functools
from pathlib import Path

import layouts
import pytest
from painted import generator, small_pool

from vosref.train.sources import Data, open_sources, read_data


@pytest.fixture
def davis(tmp_path):
    return layouts.write(tmp_path / "davis", layouts.davis2016())


def test_sources_are_opened_with_their_weights_and_say_what_they_are(davis, tmp_path, monkeypatch):
    monkeypatch.setattr("vosref.train.sources.Rendered", functools.partial(small_pool, n_scenes=3))
    other = layouts.write(tmp_path / "folders", layouts.folders())
    opened = open_sources(
        [Data("davis2016", davis), Data("folders", other, weight=0.5)],
        method="feelvos",
        composites=2,
        rendered=3,
        seed=4,
    )
    assert opened.said == [
        {"kind": "davis2016", "root": str(davis), "subset": "train", "weight": 1.0, "videos": 1, "frames": 2},
        {"kind": "folders", "root": str(other), "subset": "all", "weight": 0.5, "videos": 3, "frames": 3},
        {"kind": "composites", "weight": 2, "most": 1},
        {"kind": "rendered", "weight": 3, "scenes": 3, "seed": 4},
    ]
    rng = generator()
    clips = [opened.source.draw(rng, lambda n, _: range(min(n, 1)), at_least=1) for _ in range(12)]
    names = {"rendered" if "rendered" in clip.name else "composite" if "+" in clip.name else "video" for clip in clips}
    assert names == {"rendered", "composite", "video"}


def test_tvos_sees_youtube_vos_at_384_pixels(tmp_path):
    files = layouts.youtube_vos() | layouts.frames_of("train/JPEGImages/other", layouts.numbered(3, 5))
    files |= {f"train/Annotations/other/{t}.png": layouts.mask(1, 3) for t in layouts.numbered(2, 5)}
    root = layouts.write(tmp_path / "ytvos", files)
    for method, size in (("tvos", (384, 640)), ("feelvos", layouts.SIZE)):
        opened = open_sources([Data("youtube_vos", root)], method=method)
        assert (opened.said[0]["subset"], opened.said[0]["frames"]) == ("train", 2)
        clip = opened.source.draw(generator(), lambda n, _: (0,), at_least=1)
        assert clip.masks[0].shape == size


def test_another_data_set_is_read_from_its_text(tmp_path):
    assert read_data("davis2017:some/where=0.5") == Data("davis2017", Path("some/where"), None, 0.5)
    assert read_data("davis2017:some/where:val=2")[1:] == (Path("some/where"), "val", 2.0)
    odd = tmp_path / "a:b=c"
    odd.mkdir()
    assert read_data(f"folders:{odd}=1")[1:] == (odd, None, 1.0)
    assert read_data(f"folders:{odd}:names.txt=1")[1:] == (odd, "names.txt", 1.0)


@pytest.mark.parametrize("text", ["davis2017", "davis2017:x", "davis2017:=1", "davis2017:x=much", "davis2017:x=-1"])
def test_a_data_set_written_otherwise_is_refused(text):
    with pytest.raises(ValueError, match="--also takes KIND:ROOT=WEIGHT or KIND:ROOT:SUBSET=WEIGHT, got '"):
        read_data(text)


def test_unknown_kinds_and_weights_below_nothing_are_refused(davis):
    with pytest.raises(ValueError, match="the kind of a data set must be one of davis2016, .*, got 'coco'"):
        open_sources([Data("coco", davis)], method="tvos")
    with pytest.raises(ValueError, match="--composites must be 0 or more, got nan"):
        open_sources([Data("davis2016", davis)], method="tvos", composites=float("nan"))

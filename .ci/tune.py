"""Score settings of TVOS's transferred representation on DAVIS 2016 train sequences: how the defaults were chosen.

    python .ci/tune.py DAVIS_ROOT RESULTS.json --every 3 temperature=40 paper,temperature=40 …

takes every third train sequence, whole; `--frames` and `--skip` take less of each. A setting is a comma-separated list
of fields of `TvosConfig`; "paper" in front starts from the paper's configuration, and without weights of its own has
ImageNet's, which have seen none of these sequences. Embeddings are kept beside RESULTS, so that settings of the
propagation alone run fast; finished settings are not run again. Only train sequences are read.
"""

import argparse
import json
from pathlib import Path

import numpy as np

from vosref import evaluation, io, labels, tvos, video


def main():
    """Run the settings named on the command line and print a line for each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("root", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("settings", nargs="+")
    for option, default in (("frames", 1000), ("skip", 1), ("every", 1)):
        parser.add_argument(f"--{option}", type=int, default=default)
    arguments = parser.parse_args()
    done = json.loads(arguments.results.read_text()) if arguments.results.exists() else {}
    images = arguments.root / "JPEGImages/480p"
    names = (arguments.root / "ImageSets/480p/train.txt").read_text().split()
    names = [name for name in sorted(names) if (images / name).is_dir()][:: arguments.every]
    for setting in arguments.settings:
        key = f"{setting} frames={arguments.frames} skip={arguments.skip} every={arguments.every}"
        if key not in done:
            done[key] = {name: score(name, setting, arguments) for name in names}
            io.write_text(arguments.results, json.dumps(done, indent=1))
        j, f = np.mean(list(done[key].values()), axis=0)
        print(f"{key}: J {j:.4f} F {f:.4f} J&F {(j + f) / 2:.4f} on {len(done[key])} sequences", flush=True)  # noqa: T201


def score(name, setting, arguments):
    """Mean J and F of one sequence, the annotated frame left out."""
    first, *fields = setting.removeprefix("paper,").split(",")
    chosen = dict(field.split("=") for field in (first, *fields))
    configuration = "paper" if setting.startswith("paper,") else "released"
    config = video.configure("tvos", configuration, **{"weights": "lite0", **chosen})
    frames = io.open_frames(arguments.root / "JPEGImages/480p" / name)
    keep = range(0, len(frames), arguments.skip)[: arguments.frames]
    embeddings = embed(name, frames, keep, config, arguments)
    folder = arguments.root / "Annotations/480p" / name
    truth = [io.read_mask(folder / f"{frames.names[t]}.png", allow_empty=True).ids for t in keep]
    grid = embeddings.shape[1:3]
    state = tvos.init(embeddings[0], labels.to_grid(truth[0], ids=(0, 1), grid=grid), config)
    scores = []
    for embedding, mask in zip(embeddings[1:], truth[1:], strict=True):
        state, probabilities, _ = tvos.step(state, embedding, config)
        found = labels.to_mask(probabilities, ids=(0, 1), grid=grid, size=mask.shape) == 1
        scores.append((evaluation.region_similarity(found, mask == 1), evaluation.contour_accuracy(found, mask == 1)))
    return list(np.mean(scores, axis=0))


def embed(name, frames, keep, config, arguments):
    """Embed the kept frames, or load what an earlier setting embedded alike."""
    of_embedding = ("weights", "working_scale", "n_stages", "output_stride", "normalise")
    label = "-".join(str(getattr(config, field)) for field in of_embedding)
    path = arguments.results.parent / "embeddings" / f"{label}-{name}-{arguments.frames}-{arguments.skip}.npy"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        weights = tvos.prepare(config)
        with io.atomic_path(path) as temporary:
            np.save(temporary, np.stack([tvos.embedding(weights, frames[t], config) for t in keep]))
    return np.load(path)


if __name__ == "__main__":
    main()

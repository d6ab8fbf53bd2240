"""What each protocol makes of one constructed case each, as the table of the README.

``python .ci/disagreements.py`` prints mean J over the objects, or how the evaluation ends. Every video has 6 frames of
12 x 16 pixels; each object is a block that does not move.
"""

import sys

import numpy as np

from vosref.evaluation import PROTOCOLS, Truth, mean, score_objects, tally_sequence
from vosref.evaluation.objects import refusals

N, SIZE = 6, (12, 16)


def video(*ids):
    """Return a video in which objects stand beside each other."""
    frames = np.zeros((N, *SIZE), np.uint8)
    for i, k in enumerate(ids):
        frames[:, 2:8, 4 * i : 4 * i + 4] = k
    return frames


def cases():
    """Yield name, predictions (None where a mask is missing) and truths."""
    truths = video(1, 2)
    truths[:3][truths[:3] == 1] = 0
    yield "late object, never found", np.where(truths == 1, 0, truths), truths
    early = truths.copy()
    early[1, 2:8, :4] = 1
    yield "late object, found, but once too early", early, truths
    missed = np.where(truths == 1, 0, truths)
    missed[1, 2:8, :4] = 1
    yield "late object, claimed once too early and never found", missed, truths
    yield "an object too many", video(1, 7), video(1)
    yield "gap in the ids (1 and 3)", video(1), video(1, 0, 3)
    void = video(1)
    void[:, 8:11, :4] = 255
    yield "prediction reaches into void", np.where(void == 255, 1, void), void
    yield "two objects swapped", video(2, 1), video(1, 2)
    absent = list(video(1))
    absent[3] = None
    yield "a mask is missing", absent, video(1)
    wrong_last = video(1)
    wrong_last[-1] = 0
    yield "lost in the last frame", wrong_last, video(1)


def judged(predictions, truths, protocol):
    """Return the mean J of the objects, or "refused"."""
    frames = (
        (f"{t:05d}", Truth(np.where(m == 255, 0, m).astype(np.uint8), m == 255 if (m == 255).any() else None), p)
        for t, (p, m) in enumerate(zip(predictions, truths, strict=True))
    )
    tally = tally_sequence(frames, merged=protocol.objects == "merged", void=protocol.void)
    if refusals(tally, protocol):
        return "refused"
    return f"{mean([o.j for o in score_objects(tally, protocol, sequence='s')]):.3f}"


def main():
    """Print the table."""
    rows = [["case", *PROTOCOLS], ["---"] * (len(PROTOCOLS) + 1)]
    rows += [[name, *(judged(p, t, protocol) for protocol in PROTOCOLS.values())] for name, p, t in cases()]
    sys.stdout.write("".join(f"| {' | '.join(row)} |\n" for row in rows))


if __name__ == "__main__":
    main()

"""Which rule moves which object: of one constructed case each, and none where nothing is in dispute."""

import numpy as np

from vosref.evaluation.explain import alternatives, moves
from vosref.evaluation.protocols import PROTOCOLS, RULES
from vosref.evaluation.tally import Truth, tally_sequence

DAVIS = PROTOCOLS["davis2017"]


def video(*rows, frames=6):
    return np.repeat(np.array([[list(rows)]], np.uint8), frames, axis=0)


def moved(predictions, truths, protocol=DAVIS):
    def tallied(other):
        frames = (
            (f"{t:05d}", Truth(np.where(m == 255, 0, m).astype(np.uint8), m == 255 if (m == 255).any() else None), p)
            for t, (p, m) in enumerate(zip(predictions, truths, strict=True))
        )
        return tally_sequence(frames, merged=other.objects == "merged", void=other.void)

    return {(m.rule, m.value, m.object): (m.before, m.after, m.refused) for m in moves("s", protocol, tallied)}


def test_alternatives_are_every_other_value_of_every_rule_that_moves_objects():
    found = {(rule, value) for rule, value, _ in alternatives(DAVIS)}
    rules = {rule: values for rule, values in RULES.items() if rule not in ("measures", "average")}
    assert found == {(r, v) for r, values in rules.items() for v in values} - set(DAVIS.rules().items())
    assert ("start", "in_either", ("vos_benchmark",)) in alternatives(DAVIS)


def test_a_perfect_prediction_of_one_object_is_moved_by_no_rule():
    truths = video(0, 1, 1)
    assert moved(truths, truths) == {}


def test_the_start_rule_moves_a_late_object_and_no_other():
    truths = video(0, 0, 2, 2)
    truths[3:, 0, :2] = 1
    predictions = np.where(truths == 1, 0, truths).astype(np.uint8)
    found = {key: move for key, move in moved(predictions, truths).items() if key[0] == "start"}
    assert {key[1:] for key in found} == {("in_truth", 1), ("in_either", 1), ("false_alarms", 1)}
    assert all(move == ((0.5, 0.5), (0.0, 0.0), False) for move in found.values())


def test_the_extra_rule_says_who_would_refuse():
    truths, predictions = video(0, 1), video(7, 1)
    found = moved(predictions, truths, PROTOCOLS["vos_benchmark"])
    assert found["extra", "refused", 7] == (None, None, True)
    assert found["extra", "scored_0", 7] == (None, (0.0, 0.0), False)


def test_the_void_rule_moves_what_was_predicted_there():
    truths, predictions = video(1, 255, 0), video(1, 1, 0)
    found = moved(predictions, truths)
    assert found["void", "left_out", 1][1] == (1.0, 1.0)


def test_merging_objects_moves_them():
    truths, predictions = video(1, 2, 0), video(2, 1, 0)
    found = moved(predictions, truths)
    assert found["objects", "merged", 1] == ((0.0, found["objects", "merged", 1][0][1]), (1.0, 1.0), False)
    assert found["objects", "merged", 2][1] is None

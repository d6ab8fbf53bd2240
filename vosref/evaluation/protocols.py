"""Protocols: what counts as an object, from when on, and what a missing mask is worth, as named rules.

J and F of two masks are the same everywhere. What evaluators disagree about is which objects and frames they take them
of, and that decides scores more often than a boundary does. A protocol is one value for each rule; `RULES` says what
each value means. What all protocols agree on is in `AGREED`.
"""

from typing import NamedTuple

__all__ = ["AGREED", "PROTOCOLS", "RULES", "UNSTABLE", "Protocol", "protocol_named"]


class Protocol(NamedTuple):
    """A value for each rule of `RULES`."""

    name: str
    objects: str  # which ids are objects
    extra: str  # an id that only predictions have
    start: str  # the first frame of an object that counts
    given: str  # frames that are left out, for their masks were given
    void: str  # truth of 255 beside other ids
    missing: str  # a frame that counts and has no predicted mask
    both_empty: str  # neither the truth nor the prediction shows the object
    measures: tuple[str, ...]
    average: str  # over what the means are taken

    def rules(self) -> dict[str, str]:
        """Name the rules and their values."""
        values = self._asdict() | {"measures": ", ".join(self.measures)}
        return {rule: values[rule] for rule in RULES}


# What each value of each rule means; rules in the order in which they act.
RULES: dict[str, dict[str, str]] = {
    "objects": {
        "merged": "all ids above 0 are one object, 1",
        "first_frame": "ids 1 to the largest of the first true frame, gaps included",
        "truth": "the ids of all true frames, gaps allowed",
    },
    "extra": {
        "refused": "an id that is no object ends the evaluation",
        "ignored": "an id that is no object is background, however large",
        "scored_0": "an id that no true frame shows is one more object, and scores 0",
    },
    "start": {
        "first_frame": "an object counts from the first frame on, though it may appear later",
        "in_truth": "from the first true frame that shows it",
        "in_either": "from the first counted frame where the truth or the prediction shows it",
        "false_alarms": "from the first true frame that shows it, and in earlier ones where the prediction does",
    },
    "given": {
        "first_and_last": "the first frame, which was given, and the last, which some methods of 2016 lacked",
        "first": "the first true frame, which was given",
        "appearance": "for each object, the frame that first shows it, where its mask was given",
        "counted": "none: what was given counts too, as it was handed in",
    },
    "void": {
        "background": "255 in the truth is background: a prediction there is wrong",
        "object": "255 in the truth is one more object",
        "left_out": "pixels of 255 in the truth do not count",
    },
    "missing": {
        "refused": "a mask that is not there ends the evaluation",
        "scored_0": "a mask that is not there scores 0 for every object",
    },
    "both_empty": {
        "scored_1": "J and F are 1 where neither truth nor prediction shows the object",
        "left_out": "such a frame does not count for the object",
    },
    "measures": {
        "J, F, T": "region, contour and temporal stability, T over the sequences that DAVIS counts as stable",
        "J, F": "region and contour",
        "J": "region alone",
    },
    "average": {
        "objects": "means over all objects of all sequences",
        "seen_unseen": "means over objects of categories seen in training and of others; G is the mean of the four",
        "classes": "two means: over the videos, and over the means of the classes",
    },
}

AGREED = {
    "one empty": "J and F are 0 where only one of truth and prediction shows the object",
    "whole frame": "the edge of the frame is no boundary, so a mask of the whole frame has none: F takes it for empty",
    "tolerance": "boundaries match within ceil(0.008 × the frame's diagonal) pixels, in a disk",
    "recall": "share of frames above, not at, 0.5",
    "decay": "first less last of four bins that share the frames between them, of any length",
    "two frames": "of two frames, first_and_last leaves out only the first",
    "no frame": "an object of which no frame counts has no score, and is in no mean",
}

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            name="davis2016",
            objects="merged",
            extra="ignored",
            start="first_frame",
            given="first_and_last",
            void="background",
            missing="refused",
            both_empty="scored_1",
            measures=("J", "F", "T"),
            average="objects",
        ),
        Protocol(
            name="davis2017",
            objects="first_frame",
            extra="refused",
            start="first_frame",
            given="first_and_last",
            void="background",
            missing="refused",
            both_empty="scored_1",
            measures=("J", "F"),
            average="objects",
        ),
        Protocol(
            name="youtube_vos",
            objects="truth",
            extra="ignored",
            start="in_truth",
            given="counted",
            void="background",
            missing="refused",
            both_empty="scored_1",
            measures=("J", "F"),
            average="seen_unseen",
        ),
        Protocol(
            name="youtube_objects",
            objects="merged",
            extra="ignored",
            start="first_frame",
            given="first",
            void="background",
            missing="refused",
            both_empty="scored_1",
            measures=("J",),
            average="classes",
        ),
        Protocol(
            name="vos_benchmark",
            objects="truth",
            extra="ignored",
            start="in_either",
            given="first_and_last",
            void="object",
            missing="refused",
            both_empty="scored_1",
            measures=("J", "F"),
            average="objects",
        ),
        Protocol(
            name="strict",
            objects="truth",
            extra="scored_0",
            start="false_alarms",
            given="appearance",
            void="left_out",
            missing="scored_0",
            both_empty="scored_1",
            measures=("J", "F"),
            average="objects",
        ),
    )
}


# DAVIS 2016's sequences in which stability is not measured, for objects are hidden or bend too much: `unstab_seqs` in
# davis-matlab's db_util/db_seqs.m, less what only DAVIS 2017 has.
UNSTABLE = frozenset(
    [
        "bmx-bumps",
        "bmx-trees",
        "breakdance",
        "breakdance-flare",
        "dance-twirl",
        "dog",
        "dog-agility",
        "drift-chicane",
        "goat",
        "horsejump-high",
        "horsejump-low",
        "libby",
        "lucia",
        "mallard-fly",
        "motocross-jump",
        "motorbike",
        "paragliding",
        "parkour",
        "rollerblade",
        "scooter-gray",
        "soccerball",
        "swing",
        "tennis",
    ]
)


def protocol_named(name: str, /) -> Protocol:
    """Return a protocol of `PROTOCOLS`.

    Raises
    ------
    ValueError
        If there is none of that name.

    Examples
    --------
    >>> from vosref.evaluation import protocol_named
    >>> protocol = protocol_named("davis2017")
    >>> protocol.measures, protocol.given, protocol.missing
    (('J', 'F'), 'first_and_last', 'refused')
    """
    if name not in PROTOCOLS:
        raise ValueError(f"protocol must be one of {', '.join(PROTOCOLS)}, got {name!r}")
    return PROTOCOLS[name]

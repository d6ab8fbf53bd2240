"""Scores of masks against truth: J, F and T as DAVIS defines them, and the protocols by which benchmarks average."""

from vosref.evaluation.contour import boundary_map, contour_accuracy
from vosref.evaluation.measures import region_and_contour
from vosref.evaluation.objects import ObjectScores, score_objects
from vosref.evaluation.protocols import PROTOCOLS, Protocol, protocol_named
from vosref.evaluation.region import region_similarity
from vosref.evaluation.scores import FrameScores, SequenceScores, frame_scores, sequence_scores
from vosref.evaluation.statistics import decay, mean, recall
from vosref.evaluation.tally import Tally, Truth, tally_sequence
from vosref.evaluation.temporal import temporal_stability

__all__ = [
    "PROTOCOLS",
    "FrameScores",
    "ObjectScores",
    "Protocol",
    "SequenceScores",
    "Tally",
    "Truth",
    "boundary_map",
    "contour_accuracy",
    "decay",
    "frame_scores",
    "mean",
    "protocol_named",
    "recall",
    "region_and_contour",
    "region_similarity",
    "score_objects",
    "sequence_scores",
    "tally_sequence",
    "temporal_stability",
]

"""Scores of masks against truth, as DAVIS defines them: region similarity J, contour accuracy F and their means."""

from vosref.evaluation.contour import boundary_map, contour_accuracy
from vosref.evaluation.region import region_similarity
from vosref.evaluation.scores import FrameScores, SequenceScores, frame_scores, sequence_scores

__all__ = [
    "FrameScores",
    "SequenceScores",
    "boundary_map",
    "contour_accuracy",
    "frame_scores",
    "region_similarity",
    "sequence_scores",
]

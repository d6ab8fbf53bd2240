"""Wrong implementations that the checks must find: the defects of published code, and the classic mistakes.

They prove the judge: every mutant dies, and every check kills one. They are its dictionary too, for a subject whose
results agree with a mutant's has most likely made the same mistake.
"""

from vosref.conformance.mutants import (
    affinity,
    distances,
    feelvos_video,
    gradients,
    gradients_pairs,
    heads,
    labels,
    layers,
    losses,
    propagation,
    resizing,
    sampling,
    scores,
    standardising,
    tvos_video,
    windows,
)
from vosref.conformance.mutants.mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

MUTANTS: tuple[Mutant, ...] = (
    *distances.MUTANTS,
    *windows.MUTANTS,
    *affinity.MUTANTS,
    *propagation.MUTANTS,
    *standardising.MUTANTS,
    *layers.MUTANTS,
    *heads.MUTANTS,
    *resizing.MUTANTS,
    *labels.MUTANTS,
    *sampling.MUTANTS,
    *feelvos_video.MUTANTS,
    *tvos_video.MUTANTS,
    *losses.MUTANTS,
    *scores.MUTANTS,
    *gradients.MUTANTS,
    *gradients_pairs.MUTANTS,
)

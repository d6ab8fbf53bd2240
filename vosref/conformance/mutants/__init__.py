"""Wrong implementations that the checks must find: the defects of published code, and the classic mistakes.

They prove the judge: every mutant dies, and every check kills one. They are its dictionary too, for a subject whose
results agree with a mutant's has most likely made the same mistake.
"""

from vosref.conformance.mutants import distances, windows
from vosref.conformance.mutants.mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

MUTANTS: tuple[Mutant, ...] = (*distances.MUTANTS, *windows.MUTANTS)

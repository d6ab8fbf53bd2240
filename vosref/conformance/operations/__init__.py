"""The operations under contract, by name, in the order of the papers."""

from vosref.conformance.operations.matching import EMBEDDING_DISTANCE, GLOBAL_MATCHING, LOCAL_MATCHING
from vosref.conformance.operations.operation import Operation

__all__ = ["OPERATIONS"]

OPERATIONS: dict[str, Operation] = {
    operation.name: operation for operation in (EMBEDDING_DISTANCE, GLOBAL_MATCHING, LOCAL_MATCHING)
}

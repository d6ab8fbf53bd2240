"""What a mutant is: a wrong implementation that somebody wrote, or may, and the sentence that says what is wrong."""

from collections.abc import Callable
from typing import Any, NamedTuple

from vosref.conformance.capabilities import Capabilities
from vosref.conformance.subjects import Functions

__all__ = ["Mutant", "table"]


class Mutant(NamedTuple):
    """A wrong implementation of one operation, in NumPy."""

    name: str
    operation: str
    wrong: str  # what it does instead, as a diagnosis says it
    source: str  # where it was seen, or "classic"
    function: Callable[..., Any]  # with the operation's arguments
    capabilities: Capabilities = Capabilities(("float64",))  # what it would claim

    def subject(self) -> Functions:
        """Make a subject of it that claims to be right."""
        return Functions({self.operation: self.function}, name=self.name, capabilities=self.capabilities)


def table(operation: str, /, *rows: tuple[Any, ...]) -> tuple[Mutant, ...]:
    """Make mutants of one operation; a row is a name, what is wrong, a source, a function, and perhaps capabilities."""
    return tuple(Mutant(row[0], operation, *row[1:]) for row in rows)

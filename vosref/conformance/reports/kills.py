"""The kill matrix as text: a row for each mutant, and what is wrong with the kit, if anything is."""

from vosref.conformance.kills import Killed, KillMatrix

__all__ = ["as_markdown", "as_table"]


def as_table(matrix: KillMatrix, /) -> str:
    """Return a row for each mutant, by operation: how many checks kill it and which, and what is wrong with it."""
    width, lines = max(len(mutant.name) for mutant in matrix.mutants), list[str]()
    for operation in dict.fromkeys(check.partition("/")[0] for check in matrix.checks):
        count = sum(check.partition("/")[0] == operation for check in matrix.checks)
        lines += ["", f"{operation}: {count} checks"]
        for mutant in matrix.mutants:
            if mutant.operation == operation:
                lines += _row(mutant, width)
    return "\n".join([*lines[1:], "", _sentence(matrix)])


def _row(mutant: Killed, width: int) -> list[str]:
    killed = f"{len(mutant.killed_by):2} kill it" if mutant.killed_by else "  ALIVE   "
    by = [f"  {'':{width}}  {', '.join(_names(mutant.killed_by))}"] if mutant.killed_by else []
    return [f"  {mutant.name:{width}}  {killed}  {mutant.wrong}", *by]


def as_markdown(matrix: KillMatrix, /) -> str:
    """Return the matrix as a table of Markdown."""
    rows = []
    for mutant in matrix.mutants:
        by = ", ".join(_names(mutant.killed_by)) or "**alive**"
        rows.append(f"| `{mutant.name}` | {mutant.operation} | {mutant.wrong} | {by} |")
    return "\n".join(
        ["| mutant | operation | what is wrong | killed by |", "|---|---|---|---|", *rows, "", _sentence(matrix)]
    )


def _names(identifiers: tuple[str, ...]) -> list[str]:
    """Names of the checks, without operation, version, seed and data type."""
    return list(dict.fromkeys(i.partition("/")[2].partition("@")[0] for i in identifiers))


def _sentence(matrix: KillMatrix) -> str:
    alive = f"alive: {', '.join(matrix.alive)}" if matrix.alive else "all dead"
    idle = f"idle: {', '.join(matrix.idle)}" if matrix.idle else "each kills one or more"
    return f"{len(matrix.mutants)} mutants, {alive}; {len(matrix.checks)} checks, {idle}"

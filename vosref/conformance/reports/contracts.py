"""An operation's contract as text: what it takes and gives, what is checked, and where the bound comes from."""

import textwrap

from vosref.conformance.operations.operation import Argument, Operation

__all__ = ["as_text"]

WIDTH = 120


def as_text(operation: Operation, /) -> str:
    """Return the contract of an operation."""
    lines = [operation.title, *_wrapped(operation.equation, "  ")]
    for title, arguments in (("takes", operation.inputs), ("options", operation.options), ("gives", operation.results)):
        lines += [f"  {title}", *(line for argument in arguments for line in _argument(argument))] if arguments else []
    kinds = "integers and rules: equality" if operation.exact else ", ".join(operation.dtypes)
    lines += [f"  data types  {kinds}", "  error model", *_wrapped(operation.error_model, "    ")]
    for title, parts in (("cases", operation.sketches), ("invariants", operation.invariants)):
        lines += [f"  {title}", *(f"    {part.name}: {part.comment}" for part in parts)] if parts else []
    return "\n".join(lines)


def _argument(argument: Argument) -> list[str]:
    return _wrapped(f"{argument.name}: {argument.form}, {argument.meaning}", "    ")


def _wrapped(text: str, indent: str) -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)

"""The command ``vosref protocols``: where a paper and its released code part, and where evaluators do."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from vosref.cli.console import out_console, stoppable
from vosref.cli.judging import Wanted, named_protocol, results_judged
from vosref.cli.scores import print_judged, print_pairs, print_rules

__all__ = ["protocols"]


def protocols(
    subject: Annotated[str, typer.Argument(help="tvos, feelvos or evaluation.")],
    explain: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            metavar="RESULTS TRUTH",
            show_default=False,
            help="Evaluation: say which rule would move which object's score on these masks.",
        ),
    ] = None,
    protocol: Annotated[str, typer.Option(help="With --explain, the protocol to start from.")] = "davis2017",
) -> None:
    """Print where a paper and its released code part, setting by setting, or where evaluators do, rule by rule."""
    if subject != "evaluation":
        if explain is not None:
            raise typer.BadParameter(f"--explain is about evaluation, and not about {subject}")
        _method(subject)
        return
    if explain is None:
        from vosref.evaluation.protocols import AGREED, PROTOCOLS, RULES  # noqa: PLC0415

        print_rules(PROTOCOLS, RULES)
        print_pairs("what all of them do", ("rule", "what it means"), AGREED)
        return
    with stoppable("nothing was written"):
        judged = results_judged([explain[0]], explain[1], named_protocol(protocol), Wanted(explain=True))
    print_judged(judged, explain=True)


def _method(method: str) -> None:
    from vosref import video  # noqa: PLC0415

    try:
        rows = video.differences(method)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    table = Table(title=f"{method}: where the paper and its released code part", title_justify="left", show_lines=True)
    for heading in ("setting", "--config paper", "--config released"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        cells = (
            Text.assemble((v, "bold"), f": {meaning}") for v, meaning in zip(row.values, row.meanings, strict=True)
        )
        table.add_row(row.field, *cells)
    out_console.print(table)
    if notes := video.method_named(method).NOTES:
        print_pairs("where they part, and both configurations do the same", ("setting", "what"), notes)

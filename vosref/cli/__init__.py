"""The command line: ``vosref segment``, ``vosref evaluate``, ``vosref demo`` and more; parses, calls, prints.

Exit codes: 0 all went well, 1 something failed, 2 the call was wrong, 3 data is missing.
"""

import signal
from typing import Annotated

import typer

from vosref import __version__
from vosref.cli import vectors as vectors_commands
from vosref.cli import weights as weights_commands
from vosref.cli.ablations import ablations
from vosref.cli.bench import bench
from vosref.cli.conform import conform
from vosref.cli.console import out_console, sentences
from vosref.cli.evaluate import evaluate
from vosref.cli.inspect import inspect
from vosref.cli.parity import parity
from vosref.cli.protocols import protocols
from vosref.cli.segment import demo, segment
from vosref.cli.submission import submission
from vosref.cli.train import train

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
    help="Semi-supervised video object segmentation, as the papers define it: one mask in, every mask out.",
)


def main() -> None:
    """Run the command line; errors in the input end as one sentence and an exit code, never as a traceback."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with sentences():
        app()


def _version(asked: bool) -> None:
    if asked:
        out_console.print(f"vosref {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    pass


app.command()(segment)
app.command()(inspect)
app.command()(demo)
app.command()(evaluate)
app.command()(submission)
app.command()(ablations)
app.command()(protocols)
app.command()(weights_commands.convert)
app.add_typer(weights_commands.app, name="weights")
app.add_typer(vectors_commands.app, name="vectors")
app.command()(parity)
app.command()(conform)
app.command()(bench)
app.command()(train)

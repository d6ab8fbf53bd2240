"""The commands on weights: ``vosref convert``, ``vosref weights list``, ``show`` and ``verify``."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from vosref.cli.console import fail, out_console, stoppable

__all__ = ["app", "convert"]

app = typer.Typer(no_args_is_help=True, help="List, look into and check files of weights.")

ModelName = Annotated[str, typer.Option("--model", help="The network; [bold]vosref weights list[/] names them all.")]


def convert(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="IN", help="A PyTorch or safetensors file, or a TensorFlow checkpoint's prefix or index."
        ),
    ],
    out: Annotated[Path, typer.Argument(metavar="OUT.safetensors", help="The file to write.")],
    model: ModelName,
    partial: Annotated[bool, typer.Option("--partial", help="Take what fits, and draw the rest at random.")] = False,
    licence: Annotated[str | None, typer.Option(help="What the file's header says of the licence.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of what --partial draws.")] = 0,
) -> None:
    """Convert trained weights to this library's names, without torch and without running anything of the file."""
    from vosref import weights  # noqa: PLC0415 - loads NumPy
    from vosref.io import InputError, atomic_path, output_folder  # noqa: PLC0415

    _known(model)
    if out.suffix != ".safetensors":
        raise typer.BadParameter(f"OUT must end in .safetensors, got {out}")
    if out.is_dir() or out.resolve() == source.resolve():
        raise InputError(f"OUT: {out} is {'a folder' if out.is_dir() else 'the source itself'}; name another file")
    with stoppable("nothing was written"):
        made = weights.convert(source, model_name=model, partial=partial, licence=licence, seed=seed)
        output_folder(out.absolute().parent, argument="OUT")
        try:
            with atomic_path(out) as temporary:
                weights.save(temporary, made)
        except OSError as error:
            raise InputError(f"OUT: {out} cannot be written ({error.strerror}); choose another place") from error
        _report(out, made)


@app.command(name="list")
def list_models(
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE]...", help="Converted files.")] = None,
) -> None:
    """Print the networks whose weights are known, and where these come from; of converted files, which they are."""
    from vosref import weights  # noqa: PLC0415

    converted = [(path, weights.header(path)) for path in files or []]
    table = Table(title="Networks whose weights are known", title_justify="left", show_lines=True)
    table.add_column("--model", no_wrap=True)
    table.add_column("parameters", justify="right", no_wrap=True)
    table.add_column("network, and where its weights come from", overflow="fold")
    for name in weights.MODELS:
        model = weights.model(name)
        origins = (model.origin, *_shipped(name), *(str(path) for path, said in converted if said["model"] == name))
        table.add_row(name, f"{model.n_parameters:,}", "\n".join((model.title, *origins)))
    out_console.print(table)


@app.command()
def show(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A file of weights, converted or not; or a name, as tvos-lite0.")
    ],
    card: Annotated[
        bool, typer.Option("--card", help="Print the model card of weights that come with vosref.")
    ] = False,
) -> None:
    """Print what a file says of itself, and the name, shape and type of every array in it."""
    from vosref import weights  # noqa: PLC0415

    if card:
        if str(file) not in weights.SHIPPED:
            raise typer.BadParameter(f"--card is of {' and '.join(weights.SHIPPED)}, which come with vosref")
        out_console.print(weights.model_card(str(file)), soft_wrap=True)
        return
    source = weights.read_source(weights.located(file))
    _say("file", f"{source.path} ({source.format})")
    _say("sha256", source.sha256)
    for key, value in sorted(source.metadata.items()):
        lines = weights.brief(value.split()) if key == "random" else [weights.shown(value)]
        _say(weights.shown(key), "\n               ".join(lines))
    n = sum(array.size for array in source.arrays.values())
    _say("arrays", f"{len(source.arrays)}, {n:,} numbers")
    names = {weights.shown(name): array for name, array in source.arrays.items()}
    width = max(map(len, names))
    for name, array in names.items():
        out_console.print(f"  {name:{width}}  {array.dtype!s:8} {array.shape}", soft_wrap=True)


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A converted file; or a name, as tvos-lite0.")],
    model: Annotated[str | None, typer.Option(help="The network; by default the one its header says.")] = None,
    source: Annotated[Path | None, typer.Option(help="What it was converted from: its SHA-256 is compared.")] = None,
) -> None:
    """Check that a file is whole: the names and shapes of its network, and numbers that can be computed with."""
    from vosref import weights  # noqa: PLC0415

    if model is not None:
        _known(model)
    checks = weights.verify(file, model_name=model, source=source)
    for check in checks:
        verdict = ("fails  ", "bold red") if check.problems else ("ok     ", "green")
        out_console.print(Text.assemble(verdict, check.what), soft_wrap=True)
        for problem in check.problems:
            out_console.print(f"         {problem}", soft_wrap=True)
    if failed := sum(bool(check.problems) for check in checks):
        fail(f"{file} fails {failed} of {len(checks)} checks", 1)


def _known(model: str) -> None:
    from vosref import weights  # noqa: PLC0415

    if model not in weights.MODELS:
        raise typer.BadParameter(f"--model must be one of {', '.join(weights.MODELS)}, got {model}")


def _shipped(name: str) -> tuple[str, ...]:
    """Say how large weights are that come with vosref, and on what terms."""
    from vosref import weights  # noqa: PLC0415

    if name not in weights.SHIPPED:
        return ()
    size = weights.located(name).stat().st_size / 1e6
    return (f"{size:.1f} MB, {weights.shown(weights.header(name)['licence'])}; --weights {name}",)


def _say(what: str, value: str) -> None:
    out_console.print(Text.assemble((f"{what:14} ", "dim"), value), soft_wrap=True)


def _report(out: Path, made: Any) -> None:
    from vosref import weights  # noqa: PLC0415

    header, fit = made.header, made.fit
    n = sum(array.size for name, array in made.arrays.items() if not name.endswith(("/mean", "/variance")))
    size = out.stat().st_size / 1e6
    said = f"{out}: {header['model']}, {len(made.arrays)} arrays, {n:,} parameters, {size:.1f} MB"
    out_console.print(said, soft_wrap=True)
    _say("source", f"{weights.shown(header['source'])} ({header['source_format']})")
    _say("sha256", header["source_sha256"])
    _say("licence", weights.shown(header["licence"]))
    _say("names", f"{fit.scheme.title}, {len(fit.found)} arrays")
    if fit.ignored:
        _say("passed over", f"{len(fit.ignored)} arrays that are none of the network's")
    if made.random:
        _say("random", f"{len(made.random)} arrays, drawn with seed {header['seed']}")
        lines = [*weights.indented(weights.brief(made.random)), *fit._replace(missing=()).report()]
        out_console.print("\n".join(lines), soft_wrap=True)

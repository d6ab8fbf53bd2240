"""The command line's page: every command, argument and option, from the help texts that ``--help`` prints."""

import re
from collections.abc import Iterator
from typing import Any

import typer

from vosref.cli import app

__all__ = ["command_line_page", "commands"]

BOLD = re.compile(r"\[bold\](.*?)\[/(?:bold)?\]")
OPTION = re.compile(r"(?<![\w-])(--[a-z][\w-]*)")  # a long one, in a sentence


def commands(group: Any = None, prefix: str = "vosref") -> Iterator[tuple[str, Any]]:
    """Yield every command with its whole name, subcommands included."""
    group = typer.main.get_command(app) if group is None else group
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def command_line_page() -> str:
    """Return the page."""
    lines = [
        *_heading("The command line", "="),
        "Every command prints the same with ``--help``. Exit codes: 0 all went well, 1 something failed, 2 the call",
        "was wrong, 3 data is missing.",
        "",
    ]
    for name, command in commands():
        lines += [f".. _cli-{name.replace(' ', '-')}:", "", *_heading(name, "-"), f".. program:: {name}", ""]
        lines += [".. code-block:: text", "", f"   {_usage(name, command)}", "", *_prose(command.help or ""), ""]
        for panel, parameters in _panels(command).items():
            lines += [f".. rubric:: {panel}", ""]
            for parameter in parameters:
                lines += [*_entry(parameter), ""]
    return "\n".join(lines)


def _panels(command: Any) -> dict[str, list[Any]]:
    panels: dict[str, list[Any]] = {}
    for parameter in command.params:
        if not getattr(parameter, "hidden", False):
            usual = "Arguments" if parameter.param_type_name == "argument" else "Options"
            panels.setdefault(getattr(parameter, "rich_help_panel", None) or usual, []).append(parameter)
    return panels


def _entry(parameter: Any) -> list[str]:
    if parameter.param_type_name == "argument":
        return [f"``{_argument(parameter)}``", f"   {_help(parameter)}"]
    spellings = [*parameter.opts, *parameter.secondary_opts]
    value = "" if getattr(parameter, "is_flag", False) else f" {_value(parameter)}"
    return [f".. option:: {', '.join(s + value for s in spellings)}", "", f"   {_help(parameter)}"]


def _help(parameter: Any) -> str:
    """Return the help text, and whether the option is required, may be repeated, or what it is by default."""
    said = _plain(parameter.help or "").rstrip(".")
    remarks = ["Required"] if parameter.required and parameter.param_type_name == "option" else []
    default = parameter.default
    shown = getattr(parameter, "show_default", True) and not getattr(parameter, "is_flag", False)
    if shown and default not in (None, (), []) and not parameter.required:
        remarks.append(f"Default: ``{default}``")
    return ". ".join([*filter(None, [said]), *remarks]) + "."


def _usage(name: str, command: Any) -> str:
    words = [_argument(p) for p in command.params if p.param_type_name == "argument"]
    needed = [p for p in command.params if p.param_type_name == "option" and p.required]
    return " ".join([name, *words, *(f"{p.opts[0]} {_value(p)}" for p in needed), "[OPTIONS]"])


def _argument(parameter: Any) -> str:
    word = parameter.metavar or parameter.name.upper()
    return word if parameter.required or word.startswith("[") else f"[{word}]"


def _value(parameter: Any) -> str:
    if parameter.metavar:
        return str(parameter.metavar)
    kind = getattr(parameter, "type_descriptor", None)
    known = {"Path": "PATH", "int": "N", "float": "X"}
    return known.get(getattr(getattr(kind, "annotation", None), "__name__", ""), "NAME")


def _prose(text: str) -> list[str]:
    return [_plain(line) for line in text.replace("\b", "").splitlines()]


def _plain(text: str) -> str:
    """Turn rich's markup and options into code, and escape what reStructuredText reads as its own."""
    parts = BOLD.split(text.replace("*", r"\*").replace("|", r"\|"))
    return "".join(f"``{part}``" if number % 2 else OPTION.sub(r"``\1``", part) for number, part in enumerate(parts))


def _heading(text: str, line: str) -> list[str]:
    return [text, line * len(text), ""]

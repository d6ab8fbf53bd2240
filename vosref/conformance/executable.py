"""Any program as a subject: it is given a case as a folder, writes its results there, and says how it went.

Exit codes of the program: 0 is done, 64 is "not claimed" (it lacks the operation, the data type or an option), and any
other is an error. tests/runners has two such programs, in C++ and in JavaScript, of 60 lines and less.
"""

import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO

from vosref.conformance.array_files import FORMATS
from vosref.conformance.capabilities import Capabilities, NotClaimedError
from vosref.conformance.case_files import case_of, read_results, write_case
from vosref.conformance.judge import reference
from vosref.conformance.operations.operation import Inputs, Operation, Options, Outputs
from vosref.io import InputError, MissingInputError

__all__ = ["NOT_CLAIMED", "Executable", "ExecutableError"]

NOT_CLAIMED = 64  # exit code
PLACEHOLDER = "{case_dir}"
QUOTED = 5  # last lines of stderr


class ExecutableError(RuntimeError):
    """A program failed or took too long."""


class Executable:
    """A program under judgement.

    Parameters
    ----------
    command : str or sequence of str
        As for a shell, but none is run. ``{case_dir}`` stands for the case's folder, which else comes last.
    capabilities : Capabilities
        By default all operations are claimed, in float32; the program declines what it lacks by exit code 64.
    timeout : float
        Seconds that a case may take.
    name : str
        By default the command's, without folders.
    array_format : {"raw", "safetensors"}
        Of the arrays, both ways.

    Raises
    ------
    InputError
        If the command is empty, or an option is none.
    MissingInputError
        If there is no such program.
    """

    def __init__(
        self,
        command: str | Sequence[str],
        /,
        *,
        capabilities: Capabilities | None = None,
        timeout: float = 60.0,
        name: str = "",
        array_format: str = "raw",
    ) -> None:
        self.command = _checked(command)
        if not timeout > 0:
            raise InputError(f"timeout must be more than 0 seconds, got {timeout}")
        if array_format not in FORMATS:
            raise InputError(f"array_format must be one of {', '.join(FORMATS)}, got {array_format!r}")
        self.capabilities = (capabilities or Capabilities()).checked()
        self.timeout, self.array_format = timeout, array_format
        self.name = name or " ".join(Path(word).name for word in self.command if PLACEHOLDER not in word)

    def claims(self, operation: Operation, dtype: str, /) -> bool:
        """Whether an operation and a data type are among what is claimed; the program may still decline."""
        named = self.capabilities.operations
        return (named is None or operation.name in named) and dtype in self.capabilities.dtypes

    def run(self, operation: Operation, inputs: Inputs, options: Options, dtype: str, /) -> Outputs:
        """Compute an operation in the program; floating-point results come in float64.

        Raises
        ------
        NotClaimedError
            If the program declines.
        ExecutableError
            If it fails, or takes too long.
        InputError
            If a result is missing, or of another size.
        """
        exact, arithmetic = reference(operation, inputs, options), self.capabilities.arithmetic(dtype)
        called = f"{operation.title}:{dtype}"
        case = case_of(operation, inputs, options, exact, arithmetic, name=called, array_format=self.array_format)
        with tempfile.TemporaryDirectory(prefix="vosref-", ignore_cleanup_errors=True) as temporary:
            folder = Path(temporary) / "case"
            folder.mkdir()
            write_case(folder, case, array_format=self.array_format)
            self._ran(called, folder, Path(temporary) / "stderr")
            return read_results(folder, case.results)

    def _ran(self, called: str, folder: Path, log: Path) -> None:
        words = [word.replace(PLACEHOLDER, str(folder)) for word in self.command]
        # Into a file: a pipe would be kept open by whatever a program that is ended has started.
        with log.open("wb") as stderr:
            code = _exit_code(words, stderr, self.timeout)
        if code == NOT_CLAIMED:
            raise NotClaimedError(f"{self.name} declines {called}")
        if code != 0:
            ended = f"took more than {self.timeout:g} s" if code is None else f"ended with exit code {code}"
            said = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()[-QUOTED:]
            last = "; its last words: " + "\n".join(said) if said else ", without a word on stderr"
            raise ExecutableError(f"{self.name} {ended} on {called}{last}")


def _checked(command: str | Sequence[str]) -> list[str]:
    """Return a command's words, the program's path first, and the place of the case's folder among them."""
    try:
        words = shlex.split(command, posix=os.name != "nt") if isinstance(command, str) else list(command)
    except ValueError as error:
        raise InputError(f"command {command!r} cannot be read ({error})") from error
    if not words:
        raise InputError("command must name a program, as in './runner {case_dir}', got nothing")
    if (program := shutil.which(words[0])) is None:
        raise MissingInputError(f"command: there is no program {words[0]}; build it, or give its path")
    has_place = any(PLACEHOLDER in word for word in words)
    return [program, *words[1:], *([] if has_place else [PLACEHOLDER])]


def _exit_code(words: list[str], stderr: BinaryIO, timeout: float) -> int | None:
    """Run a program to its end; None if it had to be ended, with all that it started."""
    process = subprocess.Popen(  # noqa: S603 - what the user names is run, without a shell
        words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=os.name == "posix"
    )
    try:
        return process.wait(timeout)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:  # a Ctrl-C does not reach it
            if os.name == "posix":
                os.killpg(process.pid, signal.SIGKILL)
            else:
                process.kill()
            process.wait()

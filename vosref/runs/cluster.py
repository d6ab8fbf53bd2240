"""The workers of a dask cluster as an executor (`pip install 'vosref[cluster]'`)."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager

from vosref.io import InputError

__all__ = ["cluster"]

PATIENCE = 5.0  # seconds for a scheduler to answer


@contextmanager
def cluster(address: str, /, *, waiting: Callable[[], None] = lambda: None) -> Iterator[Executor]:
    """Yield an executor of the workers that a dask scheduler has.

    A worker that dies is replaced by another one: the scheduler gives it the task anew. The workers need vosref, of
    the same version, and the folders under the same names.

    Parameters
    ----------
    address : str
        ``tcp://host:port``.
    waiting : callable
        Called when the scheduler has no worker yet; tasks wait for one.

    Raises
    ------
    InputError
        If this is no address, dask.distributed is not installed, or the scheduler does not answer.
    """
    if not re.fullmatch(r"(tcp|tls|ucx|wss?)://.+:\d+", address):
        raise InputError(f"--scheduler takes an address such as tcp://host:8786, got {address!r}")
    try:
        from distributed import Client  # noqa: PLC0415 - an extra, and slow to load
    except ImportError as error:
        raise InputError("--scheduler needs dask.distributed: pip install 'vosref[cluster]'") from error
    try:
        client = Client(address, timeout=PATIENCE, set_as_default=False)
    except OSError as error:
        raise InputError(
            f"--scheduler: {address} does not answer within {PATIENCE:.0f} s; give the address that `dask scheduler` "
            "prints, and look whether it runs"
        ) from error
    with client:
        if not client.scheduler_info()["workers"]:
            waiting()
        yield client.get_executor(pure=False)

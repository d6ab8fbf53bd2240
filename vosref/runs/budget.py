"""A budget of bytes for a run: what its process may hold, checked when it can first be known and after every frame."""

import math
from typing import Any, NamedTuple

from vosref.io import InputError
from vosref.runs.records import peak_bytes
from vosref.video import Step, method_named

__all__ = ["Budget", "spell_bytes"]

SHARE = 8  # the part of the budget
LEAST = 16 * 2**20  # bytes of a share: with fewer, tiles would shrink and move results, if within their bounds


class Budget(NamedTuple):
    """Bytes that a process may hold while it runs a method on frames; None is no limit."""

    memory: int | None
    method: str
    n_frames: int

    @property
    def share(self) -> float:
        """Bytes that tiles may take, and as many that memory may wait in for the next layers."""
        return math.inf if self.memory is None else max(LEAST, self.memory // SHARE)

    def configured(self, config: Any) -> Any:
        """Let the configuration's tiles keep to their share."""
        return config if self.memory is None else config._replace(memory=min(config.memory, self.share))

    def check(self, step: Step, config: Any) -> None:
        """Refuse to go on where the budget cannot be kept: now, or once the state has grown to its full length.

        Raises
        ------
        InputError
            That names the least that would do.
        """
        if self.memory is None or (peak := peak_bytes()) is None:
            return
        grows = max(0, min(method_named(self.method).frames_held(config), self.n_frames) - step.state.t)
        need = peak + grows * _newest(step.state)
        if need > self.memory:
            later = f", and the {grows} frames that {self.method} will look back on take the rest" if grows else ""
            raise InputError(
                f"--memory: {spell_bytes(self.memory)} is too little for frames of this size: {spell_bytes(need)} are "
                f"needed, {spell_bytes(peak)} were held after frame {step.t}{later}; give more, or smaller frames"
            )


def spell_bytes(count: int, /) -> str:
    """Write a number of bytes for people: 950 MB, 1.25 GB."""
    return f"{count / 1e9:.2f} GB" if count >= 1e9 else f"{count / 1e6:.0f} MB"


def _newest(state: Any) -> int:
    """Bytes of the newest frame in a state."""
    fields = (getattr(state, field) for field in state._fields if field != "t")
    return sum(arrays[-1].nbytes for arrays in fields)

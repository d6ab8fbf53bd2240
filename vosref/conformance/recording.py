"""What a subject answered during a check, kept so that a failure can be explained and shown again."""

from typing import Any

from vosref.conformance.capabilities import Capabilities
from vosref.conformance.operations.operation import Inputs, Operation, Options, Outputs

__all__ = ["Recorder"]


class Recorder:
    """A subject that passes on what it is asked, and keeps the answers in their order."""

    def __init__(self, subject: Any) -> None:
        self.subject = subject
        self.name: str = subject.name
        self.capabilities: Capabilities = subject.capabilities
        self.answers: list[Outputs] = []

    def claims(self, operation: Operation, dtype: str, /) -> bool:
        """Whether the subject claims it."""
        return bool(self.subject.claims(operation, dtype))

    def run(self, operation: Operation, inputs: Inputs, options: Options, dtype: str, /) -> Outputs:
        """Let the subject compute."""
        answer: Outputs = self.subject.run(operation, inputs, options, dtype)
        self.answers.append(answer)
        return answer

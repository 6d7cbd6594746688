"""Everything that training refuses, and the exit code that it ends with.

TrainingError            1
├── SpecError            1   a spec that cannot be used; lists every problem
├── SourceError          1   data that cannot be read, or is not what the spec says it is
├── RegistryError        1   MLflow has no such model, version or artifact
├── Unavailable          1   MLflow, a disk or a folder fails now: the next model would fare no better
├── ExportError          1   there is nothing to serve, or the exported set cannot be read or written
├── ContractViolated     2   data was read, and breaks the contract
├── GateFailed           3   a model was trained, and is not good enough
├── NotReproduced        3   a second training gave other predictions
└── Several                  several of these; ends with the highest exit code
"""

from collections.abc import Sequence


class TrainingError(Exception):
    exit_code = 1


class SpecError(TrainingError):
    def __init__(self, file: str, problems: Sequence[str]):
        self.problems = list(problems)
        super().__init__("\n".join(f"{file}: {problem}" for problem in problems))


class SourceError(TrainingError):
    pass


class RegistryError(TrainingError):
    pass


class Unavailable(TrainingError):
    pass


class ExportError(TrainingError):
    pass


class ContractViolated(TrainingError):
    exit_code = 2


class GateFailed(TrainingError):
    exit_code = 3


class NotReproduced(TrainingError):
    exit_code = 3


class Several(TrainingError):
    def __init__(self, errors: Sequence[TrainingError]):
        self.exit_code = max(error.exit_code for error in errors)
        super().__init__("\n".join(map(str, errors)))


def first_line(error: BaseException) -> str:
    """What an error says, in short; its kind where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:300]

"""What a scoring refuses, and the exit code that it ends with."""


class ScoringError(Exception):
    """Each message says what was given, what is allowed, and what to do."""

    exit_code = 1


class NothingScored(ScoringError):
    """The table was read, and the contract refuses each of its rows."""

    exit_code = 2

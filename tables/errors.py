"""What a table is refused with."""

from collections.abc import Sequence


class TableError(Exception):
    """A table that cannot be read: which one, what is wrong with it, what is allowed."""


def refuse_repeated(names: Sequence[str], source: str) -> None:
    """No reader can tell two columns of one name apart; of a CSV file they are numbered."""
    repeated = [name for name in dict.fromkeys(names) if names.count(name) > 1]
    if repeated:
        raise TableError(
            f"{source}: has more than one column called {', '.join(repeated)}; name each once, in SQL with AS"
        )

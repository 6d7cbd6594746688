"""What a request costs grows with its bytes, and no faster: for every route, and all that the fuzzer can send to it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from tests.support.service.asker import Asker
from tests.support.service.fuzzed import Case, cases

Ask = Callable[[str, bytes], object]
OPEN = {"AUTH": "off", "LOG_LEVEL": "error", "RETRAIN_COMMAND": "true"}
SIZE, TIMES = 1 << 14, 8
#: Eight times the bytes may cost eight times as much, and some more; their square is 64.
MOST = 14.0
#: Seconds: what takes less at the larger size is not worth a look, and cannot be told from noise.
LEAST = 0.001
TRIES = 7


@pytest.fixture(name="no_collection")
def _no_collection() -> Iterator[None]:
    """It comes at any time, and would be taken for the cost of one body."""
    gc.disable()
    yield
    gc.enable()


def growth(ask: Ask, case: Case, tries: int) -> float:
    """How many times as much the longer body costs, of the processor's time; 0 if that is next to nothing."""
    short, long = case.body(SIZE), case.body(SIZE * TIMES)
    costs = [(seconds(ask, case.path, short), seconds(ask, case.path, long)) for _ in range(tries)]
    # The least of several: what others do on this machine only adds.
    least_short, least_long = (min(column) for column in zip(*costs, strict=True))
    return least_long / least_short if least_long > LEAST else 0.0


def seconds(ask: Ask, path: str, body: bytes) -> float:
    started = time.thread_time()
    ask(path, body)
    return time.thread_time() - started


def steep(ask: Ask, tried: Iterable[Case]) -> Case | None:
    """The first whose cost grows faster than its bytes, and does so again: once may be chance, on a machine at work."""
    grew = (case for case in tried if growth(ask, case, 1) > MOST)
    return next((case for case in grew if growth(ask, case, TRIES) > MOST), None)


@pytest.mark.slow
@pytest.mark.usefixtures("no_collection")
def test_nothing_that_a_fuzzer_sends_costs_more_than_in_proportion_to_its_bytes(
    make_app: Callable[..., Any],
) -> None:
    asker = Asker(make_app(**OPEN))
    assert steep(asker.ask, cases()) is None


@pytest.mark.usefixtures("no_collection")
def test_a_reader_that_begins_anew_with_each_piece_is_noticed() -> None:
    def read_anew(_path: str, body: bytes) -> None:
        for place in range(0, len(body), 16):
            body[:place].count(b"\n")

    def read_on(_path: str, body: bytes) -> None:
        for place in range(0, len(body), 16):
            body[place : place + 16].count(b"\n")

    case = next(cases())
    assert (steep(read_anew, [case]), steep(read_on, [case])) == (case, None)

"""Names that an object has twice: found in one pass, wherever they hide."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.plain import each_once, first_repeated, parse_json
from service.problems import Unprocessable

VALUES = st.none() | st.integers() | st.text(alphabet='a"\\é', max_size=3)
NAMES = st.text(alphabet='ab"\\é', max_size=2)


def test_the_first_name_that_comes_again_is_told() -> None:
    assert first_repeated(["a", "b", "c", "b", "a"]) == "b"
    assert first_repeated(["a", "b"]) is None


@given(st.lists(st.tuples(NAMES, VALUES)), st.booleans())
def test_a_text_with_no_more_quotation_marks_than_it_needs_has_each_name_once(
    members: list[tuple[str, Any]], ascii_only: bool
) -> None:
    written = [json.dumps(part, ensure_ascii=ascii_only) for pair in members for part in pair]
    pairs = zip(written[::2], written[1::2], strict=True)
    text = ("{" + ",".join(": ".join(pair) for pair in pairs) + "}").encode()
    value = json.loads(text)
    strings = sum(isinstance(member, str) for member in value.values())
    twice = len(value) < len(members)
    if each_once(text, len(value), strings):
        assert not twice
    if twice:
        with pytest.raises(Unprocessable, match="twice"):
            parse_json(text)
    else:
        assert parse_json(text) == value

"""A password of one's own may be of any text: what is derived from it says the same."""

from __future__ import annotations

from scripts.platform_stack.credentials import FIXED, PASSWORDS, _derived

WORD = r"""it's a:"b\c"@d"""


def test_a_database_password_of_any_text_is_quoted_for_sql_and_for_libpq():
    derived = _derived(dict.fromkeys((*PASSWORDS, *FIXED), WORD))
    assert r"""LOGIN PASSWORD 'it''s a:"b\c"@d';""" in derived["mlflow_role"]
    assert derived["mlflow_pgpass"] == r"""db:5432:mlflow:mlflow:it's a\:"b\\c"@d"""

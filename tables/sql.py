"""Reads the rows of an SQL query from any database that SQLAlchemy knows."""

from __future__ import annotations

import pandas as pd
import sqlalchemy

from tables.address import filled_in, public
from tables.errors import TableError


def read_query(address: str, query: str) -> pd.DataFrame:
    """The rows as the database types them; `address` may name variables of the environment."""
    target = filled_in(address)
    try:
        engine = sqlalchemy.create_engine(target)
        with engine.connect() as connection:
            return pd.read_sql_query(sqlalchemy.text(query), connection)
    except (sqlalchemy.exc.SQLAlchemyError, ImportError) as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise TableError(f"{public(address)}: {reason} (query: {query})") from error

"""The journal's tables in SQLite or PostgreSQL: connection, migrations, and spooled records as rows.

A worker imports nothing of it before its first truth, since it loads SQLAlchemy.
"""

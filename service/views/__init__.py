"""Flask's blueprints: every route but the docs page, with the scopes that it needs beside it.

Each module's `blueprint(...)` takes what its views need.
"""

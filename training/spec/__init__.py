"""The spec of a model: frozen values, the rules between them, and how a TOML file becomes them.

Nothing outside this room reads a TOML file of a model.
"""

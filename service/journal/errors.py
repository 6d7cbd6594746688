"""The errors that the journal raises.

JournalError
└── Unavailable     the database does not answer; try again later
"""


class JournalError(Exception):
    """Each message says what was given, what is allowed, and what to do."""


class Unavailable(JournalError):
    pass

"""The same environment for every test, whatever the shell or the Makefile has set."""

import os

from tests.support.outside import outside_names

#: MAKE: `make test` is no part of a make that a test starts.
PREFIXES = ("SWARMLINE_", "MLFLOW_", "MAKE")
#: Of the service's settings, those that the Makefile exports or a developer may have set.
SETTINGS = ("BIND", "BUNDLES", "JOURNAL_URL", "JOURNAL_SPOOL", "AUTH", "KEYS", "TRAFFIC", "RELEASE")
#: What a build was started with is not for the tests that it runs.
GIVEN = {*SETTINGS, *outside_names()}

# Here and not in a fixture, so that fixtures of every scope and the processes they start see it.
for _name in list(os.environ):
    if _name.startswith(PREFIXES) or _name.removesuffix("_FILE") in GIVEN:
        del os.environ[_name]
os.environ.update(TZ="UTC", MPLBACKEND="Agg", DO_NOT_TRACK="true")

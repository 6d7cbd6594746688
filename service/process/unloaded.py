"""Packages that the service never loads, though they may be installed beside it.

scikit-learn imports pandas wherever there is one, and pandas pyarrow: 60 MB, half a second of each start, and a thread
of pyarrow's allocator in the process that forks the workers. The image has neither, so a checkout is served without.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder

PACKAGES = frozenset(("pandas", "pyarrow"))


class _Absent(MetaPathFinder):
    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname in PACKAGES:
            raise ModuleNotFoundError(f"the service does without {fullname}", name=fullname)


def leave_out_unneeded() -> None:
    """As if they were not installed."""
    sys.meta_path.insert(0, _Absent())

"""`python -m tests.support.service.failing_shadow FILE`: a service whose challengers wait for a file, and then fail."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any, NoReturn

from service import __main__
from service.process import metrics


def main() -> int:
    keep_in = metrics.keep_in

    def then_patch(folder: Path) -> None:
        keep_in(folder)
        # Only now may the application be imported.
        from service.predict.arm import Arm

        init = Arm.__init__

        def make(self: Any, name: str, *rest: Any) -> None:
            init(self, name, *rest)  # type: ignore[arg-type]
            if name == "challenger":
                self.predict = fail

        Arm.__init__ = make  # type: ignore[method-assign, assignment]

    metrics.keep_in = then_patch
    return __main__.main()


def fail(_matrix: Any) -> NoReturn:
    while not Path(sys.argv[1]).exists():
        time.sleep(0.02)
    raise ZeroDivisionError("a challenger's own mistake")


if __name__ == "__main__":
    sys.exit(main())

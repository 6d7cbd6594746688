"""The packages besides scikit-learn's whose types a model may hold while it is trained, measured and registered."""

from __future__ import annotations

import os

from service.bundle.engines import TRUSTED_PACKAGES, trusted_packages
from training.common.own_code import package_of
from training.spec.values import Spec


def packages_of(spec: Spec) -> tuple[str, ...]:
    """Those of the spec's own code, which runs here anyhow, and those of the environment.

    A service trusts what its own environment says, and never what a bundle or a spec does.
    """
    own = [package_of(name) for name in spec.own_functions]
    return tuple(dict.fromkeys([*own, *trusted_packages(os.environ.get(TRUSTED_PACKAGES, ""))]))

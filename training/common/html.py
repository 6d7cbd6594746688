"""The pages that people look at: one self-contained file each, with escaping on."""

from __future__ import annotations

from typing import Any

import jinja2

from training.common.numbers import number, plural

_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.PackageLoader("training", "."),
    # Everything is escaped, the XML too: names and values in it come from specs and data.
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


_ENVIRONMENT.filters.update(number=number, plural=plural)


def render(template: str, **values: Any) -> str:
    return _ENVIRONMENT.get_template(template).render(**values)

"""Where a first spec's rows come from: the lines of its source, without a password, and of a CSV file's format."""

from __future__ import annotations

import re

from tables.address import public
from tables.csv_detection import detect_encoding, detect_format
from tables.csv_format import CsvFormat
from tables.source import TEXT_FILES, files_of
from training.common.errors import SourceError
from training.data.draft_columns import quoted


def format_of(source: str) -> CsvFormat:
    """That of the first file; of an encoding, the first that is not UTF-8."""
    if "://" in source:
        return CsvFormat()
    files = [path for path in files_of(source) if path.suffix in TEXT_FILES]
    if not files:
        return CsvFormat()
    form = detect_format(files[0])
    others = (detect_encoding(path) for path in files[1:])
    odd = (encoding for encoding in others if not encoding.startswith("utf-8"))
    return form if form.encoding != "utf-8" else form._replace(encoding=next(odd, "utf-8"))


def source_lines(source: str, query: str, name: str) -> list[str]:
    """A password is never written: a variable of the environment stands in its place."""
    variable = re.sub(r"\W", "_", name.upper()) + "_PASSWORD"
    if "://" not in source:
        return [f"source = {quoted(source)}"]
    address = _without_password(source, variable)
    hint = [f"# The password is in the environment: {variable}."] if address != source else []
    return [*hint, f"source = {quoted(address)}", f"query = {quoted(query)}"]


def refuse_hidden_password(address: str) -> None:
    if "://" in address and re.search(r"[?&](?:password|passfile|sslpassword)=", address):
        raise SourceError(
            f"{public(address).partition('?')[0]}: has a password behind '?'; write it before the host, as in"
            " postgresql://reader:${WAREHOUSE_PASSWORD}@db/shop, so that it stays out of the spec"
        )


def _without_password(address: str, variable: str) -> str:
    """What stands between name and host is a password, unless it is a variable already."""
    shown = public(address)
    if ":***@" not in shown or re.match(r"[^/]*://[^:@/]*:\$(\{\w+\}|\w+)@", address):
        return address
    return shown.replace(":***@", f":${{{variable}}}@", 1)


def format_lines(form: CsvFormat) -> list[str]:
    """What differs from the usual."""
    lines = []
    for key, usual in CsvFormat()._asdict().items():
        value = getattr(form, key)
        if value != usual:
            listed = ", ".join(map(quoted, value))
            lines.append(f"{key} = [{listed}]" if key == "missing" else f"{key} = {quoted(value)}")
    return lines

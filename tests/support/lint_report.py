"""Pylint's messages as a JUnit report, for the build's page: a case a file, failed where there is something to say."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, TextIO
from xml.etree import ElementTree

from pylint.reporters import BaseReporter

if TYPE_CHECKING:
    from pylint.message import Message
    from pylint.reporters.ureports.nodes import Section


class JUnit(BaseReporter):
    name = "junit"
    extension = "xml"

    def __init__(self, output: TextIO | None = None):
        super().__init__(output)
        self._files: set[str] = set()

    def on_set_current_module(self, module: str, filepath: str | None) -> None:
        if filepath:
            self._files.add(filepath)

    def display_messages(self, layout: Section | None) -> None:
        messages: dict[str, list[Message]] = defaultdict(list)
        for message in self.messages:
            messages[message.path].append(message)
        files = sorted({*messages, *self._files})
        suite = ElementTree.Element(
            "testsuite", name="lint", tests=str(len(files)), failures=str(len(messages))
        )
        for file in files:
            case = ElementTree.SubElement(suite, "testcase", classname="lint", name=file)
            lines = [f"line {it.line}: {it.msg} ({it.symbol})" for it in messages[file]]
            if lines:
                ElementTree.SubElement(case, "failure", message=lines[0]).text = "\n".join(lines)
        self.writeln(ElementTree.tostring(suite, encoding="unicode"))

    def _display(self, layout: Section) -> None:
        """Statistics are for the text."""

    def display_reports(self, layout: Section) -> None:
        """Statistics are for the text."""

"""Write the tables of docs/reliability.md anew: run the tests of tests/reliability and state what they tried.

    python tools/reliability_table.py

Nothing is written when a test fails. Everything between the comments is replaced, everything else is left as it is.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from pathlib import Path

import pytest
from posedemo.outputs import write_whole

ROOT = Path(__file__).resolve().parents[1]
DOCUMENT = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- tried -->", "<!-- end: tried -->"

Row = tuple[str, int, str]


class Recorder:
    """A plugin of pytest that keeps what passed tests state with the fixture ``tried``."""

    def __init__(self) -> None:
        self.rows: dict[str, list[Row]] = defaultdict(list)
        self._titles: dict[str, str] = {}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note what each module says it is about."""
        for item in items:
            module = item.getparent(pytest.Module)
            lines = (getattr(module, "obj", None).__doc__ or item.path.stem).splitlines()
            self._titles[item.nodeid] = lines[0]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep the rows of a test that passed."""
        if report.when == "call" and report.passed:
            rows = [value for name, value in report.user_properties if name == "tried"]
            self.rows[self._titles[report.nodeid]].extend(rows)


def as_markdown(rows: dict[str, list[Row]]) -> str:
    """A table for each module; a last line has the sum."""
    blocks = []
    for title, tried in sorted(rows.items()):
        lines = [f"### {title}", "", "| tried | times | what happened |", "|---|---|---|"]
        lines += [f"| {what} | {count} | {outcome} |" for what, count, outcome in tried]
        blocks.append("\n".join(lines))
    total = sum(count for tried in rows.values() for _, count, _ in tried)
    return "\n\n".join([*blocks, f"{total:,} trials in all. Lost: nothing that had been written before."])


def main() -> int:
    """Run the tests and write."""
    recorder = Recorder()
    code = pytest.main([str(ROOT / "tests" / "reliability"), "-q", "-p", "no:cacheprovider"], plugins=[recorder])
    if code:
        return int(code)
    text = DOCUMENT.read_text()
    before, rest = text.split(BEGIN)
    write_whole(DOCUMENT, f"{before}{BEGIN}\n{as_markdown(recorder.rows)}\n{END}{rest.split(END)[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

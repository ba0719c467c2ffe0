"""Measure, print, and with `--write` put the tables into docs/analysis.md."""

import argparse
import re
from pathlib import Path

from evaluation.content import content_table
from evaluation.speech import speech_table
from jobs.analysis import phrase_vectors

PAGE = Path(__file__).parents[1] / "docs" / "analysis.md"
_BEGIN, _END = "<!-- evaluation: written by `make eval` -->", "<!-- end of evaluation -->"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m evaluation", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the tables into docs/analysis.md")
    parser.add_argument("--phrases", action="store_true", help="make the example sentences' vectors anew")
    given = parser.parse_args()
    if given.phrases:
        phrase_vectors.write()
        return
    tables = "\n".join([*speech_table(), "", *content_table()])
    print(tables)
    if given.write:
        page = PAGE.read_text(encoding="utf-8")
        inside = f"{_BEGIN}\n\n{tables}\n\n{_END}"
        changed = re.sub(f"{re.escape(_BEGIN)}.*{re.escape(_END)}", lambda _: inside, page, flags=re.DOTALL)
        PAGE.write_text(changed, encoding="utf-8")


main()

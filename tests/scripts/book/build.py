"""Builds the book: `python3 tests/scripts/book/build.py MDBOOK FOLDER`. A warning of mdBook is a failure."""

import re
import subprocess
import sys
from pathlib import Path

import outside
import pages


def main():
    mdbook, book = sys.argv[1], Path(sys.argv[2]).resolve()
    answer = subprocess.run(
        [mdbook, "build", pages.DOCS, "--dest-dir", book], capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = answer.stdout + answer.stderr
    if answer.returncode != 0 or re.search(r"\b(WARN|ERROR)\b", said):
        print(said, file=sys.stderr)
        return 1
    outside.copy_to(book)
    print(f"the book is {book}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())

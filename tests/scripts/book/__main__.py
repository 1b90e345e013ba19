"""Checks the documentation: `python3 tests/scripts/book PROGRAMS`, with the folder of `migrate` and `standin`.

Each page is a chapter of docs/SUMMARY.md; links lead to files and headings that exist; the tool reads every job
file that is printed; blocks of shell, Python and JSON are well formed; what docs/troubleshooting.md quotes is in
the tool's code; the commands of the tutorial and of the how-to pages are run against a stand-in SQL Server and a
throw-away PostgreSQL.

MIGRATE_TEST_BLESS=1   rewrites what pages say that commands print
--only PAGE            runs the commands of these pages only, such as docs/tutorial.md
--no-run               runs none
"""

import argparse
import os
import sys
import unittest
from pathlib import Path

import jobs
import pages
import quotes
import session
import syntax
import test_book


def main():
    arguments = read_arguments()
    suite = unittest.defaultTestLoader.loadTestsFromModule(test_book)
    if not unittest.TextTestRunner(verbosity=0).run(suite).wasSuccessful():
        return 1
    found = pages.all_pages()
    pages.check_summary(found)
    pages.check_links(found)
    quotes.check(found)
    syntax.check(found)
    parsed = jobs.check_jobs(arguments.programs / "migrate", found)
    ran = 0
    bless = bool(os.environ.get("MIGRATE_TEST_BLESS"))
    for page in found if arguments.run else []:
        if not arguments.only or page.name in arguments.only:
            ran += session.run(page, arguments.programs, bless)
    faults = [fault for page in found for fault in page.faults]
    print("\n".join(faults), file=sys.stderr, end="\n" if faults else "")
    print(f"documentation: {len(found)} pages, {parsed} job files, {ran} blocks of commands, {len(faults)} faults")
    return 1 if faults else 0


def read_arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", type=lambda text: Path(text).resolve(strict=True))
    parser.add_argument("--only", action="append", metavar="PAGE")
    parser.add_argument("--no-run", dest="run", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

"""A preprocessor of mdBook: links that leave docs/ lead to copies of those files in the book's folder `repository`.

`copy_to` puts the copies there; tests/scripts/book/build.py calls it after mdBook.
"""

import json
import os
import re
import shutil
import sys
from pathlib import Path

import pages

FOLDER = "repository"
TARGET = re.compile(r"(\]\()([^()\s]+)(\))")


def outside(page_path, target):
    """The file outside of docs/ that a link of a page leads to, from the repository's root; None for any other."""
    path = target.partition("#")[0]
    if not path or re.match(r"^[a-z]+:", target):
        return None
    found = (page_path.parent / path).resolve()
    if found.is_relative_to(pages.DOCS) or not found.is_relative_to(pages.ROOT):
        return None
    return found.relative_to(pages.ROOT)


def rewrite(content, chapter):
    """The text of a chapter (its path below docs/) with such links changed."""
    path = pages.DOCS / chapter
    up = os.path.relpath(pages.DOCS, path.parent)

    def changed(match):
        found = outside(path, match[2])
        return match[0] if found is None else f"{match[1]}{up}/{FOLDER}/{found}{match[3]}"

    return TARGET.sub(changed, content)


def copy_to(book):
    for path in pages.chapters():
        for _, target in pages.links(pages.read(path)):
            found = outside(path, target)
            if found is not None:
                copy = book / FOLDER / found
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(pages.ROOT / found, copy)


def visit(items):
    for item in items:
        chapter = item.get("Chapter") if isinstance(item, dict) else None
        if chapter:
            if chapter.get("path"):
                chapter["content"] = rewrite(chapter["content"], chapter["path"])
            visit(chapter["sub_items"])


def main():
    if sys.argv[1:2] == ["supports"]:
        return
    _, book = json.load(sys.stdin)
    # mdBook 0.5 calls them items, 0.4 sections.
    visit(book.get("items") or book.get("sections") or [])
    json.dump(book, sys.stdout)


if __name__ == "__main__":
    sys.dont_write_bytecode = True
    main()

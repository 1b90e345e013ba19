"""What docs/troubleshooting.md quotes as said by the tool is said by it."""

import re

import pages

PAGE = pages.DOCS / "troubleshooting.md"
# Where the tool's words are: its code, and the page whose words other tests have seen it say.
SAID_IN = ("src", "crates/tsql/src", "crates/tds-copy/src")


def check(found):
    """The first cell of each table row quotes, in backticks, what is in the code or in docs/errors.md.

    Rows under a heading that ends with "of the servers" quote others and are left alone."""
    said = texts()
    page = next((page for page in found if page.path == PAGE), None)
    if page is None:
        return
    ours = True
    for number, line in page.prose:
        if line.startswith("#"):
            ours = not line.rstrip().endswith("of the servers")
        if ours and line.startswith("| `"):
            cell = line.split(" | ")[0]
            for quote in re.findall(r"`([^`]+)`", cell):
                if flat(quote) not in said:
                    page.fault(number, f"the tool does not say {quote!r}")


def texts():
    parts = [(pages.DOCS / "errors.md").read_text(encoding="utf-8")]
    for folder in SAID_IN:
        parts += [path.read_text(encoding="utf-8") for path in sorted((pages.ROOT / folder).rglob("*.rs"))]
    return flat("\n".join(parts))


def flat(text):
    """With the lines of a Rust string joined, and any blanks as one."""
    text = re.sub(r"\\\n\s*", "", text).replace('\\"', '"')
    return " ".join(text.split())

"""The pages of the documentation: their headings, links and fenced blocks, and what is wrong with them."""

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"
SUMMARY = DOCS / "SUMMARY.md"
# Pages that are read in the repository and not in the book. Their links are checked too.
BESIDE = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "tests/standin/README.md", "tests/fuzz/README.md")

FENCE = re.compile(r"^( *)(`{3,}|~{3,})(.*)$")
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+(?:\([^()\s]*\))?)\)")
MARKUP = re.compile(r'(?:src|href)="([^"]+)"')
INLINE_CODE = re.compile(r"(`+)(?:(?!\1).)+?\1")


@dataclass
class Block:
    """A fenced block: what stands behind the fence, its lines, and the line of its fence."""

    words: list
    lines: list
    line: int

    @property
    def text(self):
        return "".join(f"{line}\n" for line in self.lines)


@dataclass
class Page:
    path: Path
    blocks: list = field(default_factory=list)
    # The text outside of fenced blocks, by line number.
    prose: list = field(default_factory=list)
    faults: list = field(default_factory=list)

    @property
    def name(self):
        return str(self.path.relative_to(ROOT)) if self.path.is_relative_to(ROOT) else self.path.name

    def fault(self, line, text):
        self.faults.append(f"{self.name}:{line}: {text}")

    def anchors(self):
        """The ids of the headings, as GitHub and mdBook make them."""
        found, times = set(), {}
        for _, text in self.prose:
            heading = re.match(r"^#{1,6} +(.*?) *#*$", text)
            if heading:
                slug = slug_of(heading[1])
                seen = times.get(slug, 0)
                times[slug] = seen + 1
                found.add(f"{slug}-{seen}" if seen else slug)
        return found


def slug_of(heading):
    shown = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
    kept = (c for c in shown.lower() if c.isalnum() or c in "_- ")
    return "".join("-" if c == " " else c for c in kept)


def read(path, text=None):
    page = Page(path)
    text = path.read_text(encoding="utf-8") if text is None else text
    block = fence = None
    for number, line in enumerate(text.splitlines(), start=1):
        match = FENCE.match(line)
        if block is not None:
            if match and match[2].startswith(fence[1]) and not match[3].strip():
                page.blocks.append(block)
                block = None
            else:
                block.lines.append(line.removeprefix(fence[0]))
        elif match:
            fence = (match[1], match[2])
            block = Block(match[3].split(), [], number)
        else:
            page.prose.append((number, line))
    if block is not None:
        page.fault(block.line, "this block has no end")
    return page


def chapters():
    return [page for page in sorted(DOCS.rglob("*.md")) if page != SUMMARY]


def all_pages():
    return [read(path) for path in [SUMMARY, *chapters(), *(ROOT / name for name in BESIDE)]]


def links(page):
    for number, line in page.prose:
        shown = INLINE_CODE.sub("", line)
        for target in LINK.findall(shown) + MARKUP.findall(shown):
            yield number, target


def check_links(pages):
    """Every link to a file or a heading of the repository leads to one."""
    known = {page.path: page for page in pages}
    for page in pages:
        for number, target in links(page):
            if re.match(r"^[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            found = (page.path.parent / path).resolve() if path else page.path
            if not found.exists():
                page.fault(number, f"{target}: there is no such file")
            elif anchor and found.suffix == ".md":
                there = known.get(found) or read(found)
                if anchor not in there.anchors():
                    page.fault(number, f"{target}: {there.name} has no such heading")


def check_summary(pages):
    """Each page of docs/ is a chapter, once."""
    summary = next(page for page in pages if page.path == SUMMARY)
    listed = [(SUMMARY.parent / target).resolve() for _, target in links(summary)]
    for path in chapters():
        times = listed.count(path)
        if times != 1:
            summary.fault(1, f"{path.relative_to(DOCS)} is listed {times} times")

"""Runs the commands of a page in one shell, as a reader would type them, and compares what is said.

A block that begins with ```sh run is run; `exit=5` behind it is the exit code of its last command. A block
```yaml file=shop.yaml is written to that file. Blocks within an HTML comment are run too, unseen by the reader. A
block ```text output right behind it is what was said. Numbers, sizes, durations and line ends in it may differ, and a
line `...` stands for anything. All other words have to be as they are printed.
"""

import contextlib
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

import pages

# The ports and the folder that pages print; each run takes free ports and a folder of its own in their place.
PRINTED_PORTS = ("14330", "54330")
PRINTED_FOLDER = "/tmp/shop"
SECONDS = 240


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def file_of(block):
    """The file that a block is written to, if it is."""
    return next((word.removeprefix("file=") for word in block.words if word.startswith("file=")), None)


def runnable(page):
    """(block, the block of its output or None) of each block to run or to write."""
    following = [*page.blocks[1:], None]
    for block, after in zip(page.blocks, following, strict=False):
        if file_of(block):
            yield block, None
        elif block.words[:2] == ["sh", "run"]:
            is_output = after is not None and after.words[:2] == ["text", "output"]
            yield block, after if is_output else None


def run(page, programs, bless):
    """Runs the blocks of a page in a folder of its own. Gives how many there were."""
    blocks = list(runnable(page))
    if not blocks:
        return 0
    with tempfile.TemporaryDirectory(prefix="migrate-book.") as folder:
        own = {port: free_port() for port in PRINTED_PORTS} | {PRINTED_FOLDER: f"{folder}/shop"}
        # The user that PostgreSQL runs as has to enter it.
        Path(folder).chmod(0o755)
        answers = Path(folder, ".answers")
        answers.mkdir()
        script = write_script([block for block, _ in blocks], own, answers)
        shell(script, Path(folder), programs)
        for number, (block, output) in enumerate(blocks):
            if not judge(page, block, output, answers / str(number), own, bless):
                break
    return len(blocks)


def write_script(blocks, own, answers):
    lines = []
    # A script that pages call has the same ports in it.
    sourced = pages.DOCS / "tutorial/start.sh"
    start = answers / "start.sh"
    start.write_text(in_place(sourced.read_text(), own))
    for number, block in enumerate(blocks):
        text = in_place(block.text, own).replace('"$CLONE/docs/tutorial/start.sh"', f"'{start}'")
        name = file_of(block)
        if name:
            text = f"cat > '{name}' <<'END-OF-BLOCK'\n{text}END-OF-BLOCK\n"
        answer = answers / str(number)
        Path(f"{answer}.sh").write_text(text)
        # A failure in the middle of a block ends the shell, so its block has no exit code.
        strict = "set -e" if expected_code(block) == 0 else "set +e"
        lines.append(f"{strict}; . '{answer}.sh' >'{answer}.out' 2>&1; echo $? >'{answer}.code'; set +e")
    script = answers / "script.sh"
    script.write_text("\n".join(lines) + "\n")
    return script


def in_place(text, own):
    for printed, ours in own.items():
        text = text.replace(printed, ours)
    return text


def expected_code(block):
    code = next((word for word in block.words if word.startswith("exit=")), "exit=0")
    return int(code.removeprefix("exit="))


def shell(script, folder, programs):
    environment = {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "CLONE": str(pages.ROOT),
        "SECRET": secrets.token_hex(8),
    }
    process = subprocess.Popen(
        ["bash", "--norc", script], cwd=folder, env=environment, start_new_session=True,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        process.wait(SECONDS)
    except subprocess.TimeoutExpired:
        pass
    finally:
        # What the page left running, or did not come to end.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        for pid in list(folder.rglob("postmaster.pid")):
            cluster = pid.parent.parent
            stop = [pages.ROOT / "tests/scripts/cluster.sh", "stop", cluster]
            subprocess.run(stop, check=False)
            shutil.rmtree(cluster, ignore_errors=True)


def judge(page, block, output, answer, own, bless):
    """Is the block's answer what the page says? A difference is a fault of the page."""
    out, code = Path(f"{answer}.out"), Path(f"{answer}.code")
    said = out.read_text() if out.exists() else ""
    said = in_place(said, {ours: printed for printed, ours in own.items()})
    if not code.exists():
        page.fault(block.line, f"this block did not come to its end; it said:\n{said}")
        return False
    found = int(code.read_text())
    if found != expected_code(block):
        page.fault(block.line, f"exit code {found}, not {expected_code(block)}; it said:\n{said}")
        return False
    if output is not None and not alike(output.text, said):
        if bless and "..." not in output.text.split():
            rewrite(page, output, said)
        else:
            page.fault(output.line, f"this is said differently:\n{first_difference(output.text, said)}\n{said}")
    return True


def alike(printed, said):
    return first_difference(printed, said) is None


def first_difference(printed, said):
    """What is printed and was not said in its place; None if all was."""
    heard = words_of(said)
    parts = [words_of(part) for part in re.split(r"(?m)^ *\.\.\.$", printed)]
    at = 0
    for number, part in enumerate(parts):
        # Only what stands behind dots may begin later.
        starts = range(at, len(heard) + 1) if number else [at]
        place = next((i for i in starts if heard[i : i + len(part)] == part), None)
        if place is None:
            return f"- {' '.join(part)}"
        at = place + len(part)
        if number == len(parts) - 1 and part:
            # The last part ends what was said.
            at = len(heard) if heard[len(heard) - len(part) :] == part else at
    ends_anywhere = len(parts) > 1 and not parts[-1]
    return None if at == len(heard) or ends_anywhere else f"+ {' '.join(heard[at:])}"


def words_of(text):
    """The words without what changes from run to run: numbers, units, the width of columns and lines."""
    # Checksums, then figures.
    text = re.sub(r"\b[0-9a-f]{32}\b", "#", text)
    text = re.sub(r"\d[\d,.:]*", "#", text)
    text = re.sub(r"(?<=# )(ms|s|min|h|B|KiB|MiB|GiB)\b", "unit", text)
    text = re.sub(r"-{3,}", "---", text)
    # A cell without a figure: a rate of no time.
    return re.sub(r"(?m)(?<=\s)-(?=\s)", "#", text).split()


def rewrite(page, output, said):
    """Puts what was said in place of what the page prints."""
    lines = page.path.read_text(encoding="utf-8").splitlines(keepends=True)
    # Later blocks move by as many lines.
    start, end = output.line, output.line + len(output.lines)
    said = said.strip("\n").splitlines()
    lines[start:end] = [f"{line.rstrip()}\n" for line in said]
    page.path.write_text("".join(lines), encoding="utf-8")
    moved = len(said) - len(output.lines)
    for block in page.blocks:
        if block.line > output.line:
            block.line += moved

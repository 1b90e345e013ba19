"""Job files that are printed in the documentation: the tool itself reads them."""

import json
import os
import re
import subprocess
import tempfile
import textwrap
from pathlib import Path

# The top-level keys of a job. A block of YAML with none of them is of something else.
KEYS = {
    "job", "source", "target", "tables", "types", "transfer", "values", "schema", "verify",
    "report", "lineage", "hooks",
}  # fmt: skip
# A key that no job has: so the tool reports every problem of the file and never connects.
STOP = "not_a_key_so_that_nothing_connects"


# A job within a manifest, as the value of a key such as `shop.yaml: |`.
WITHIN = re.compile(r"^( *)[\w.-]+\.yaml: \|\n((?:\1 +.*\n|\n)+)", re.MULTILINE)


def printed(block):
    """(line within the block, text) of each text that may be a job."""
    yield 0, block.text
    for match in WITHIN.finditer(block.text):
        yield block.text[: match.start(2)].count("\n"), textwrap.dedent(match[2])


def top_keys(text):
    return {line.split(":")[0] for line in text.splitlines() if re.match(r"^[a-z_]+:", line)}


def check_jobs(tool, pages):
    """Every block of YAML that is a job, or a part of one, has no problem but what it leaves out.

    Gives how many there were."""
    count = 0
    for page in pages:
        for block in page.blocks:
            if not block.words or block.words[0] != "yaml":
                continue
            for first, text in printed(block):
                keys = top_keys(text)
                if keys & KEYS:
                    count += 1
                    check_job(tool, page, block.line + first, text)
    return count


def check_job(tool, page, first, text):
    for key in sorted(top_keys(text) - KEYS):
        page.fault(first, f"no job has a key {key}")
    for line, message in problems(tool, text):
        page.fault(first + line, message)


def problems(tool, text):
    """(line, message) of each problem that the tool finds. A part of a job may lack what it does not show."""
    whole = len(re.findall(r"\bhost:", text)) == 2
    with tempfile.TemporaryDirectory() as folder:
        secret = Path(folder, "secret")
        secret.write_text("x")
        text = re.sub(r"\$\{file:[^}]*\}", f"${{file:{secret}}}", text)
        job = Path(folder, "job.yaml")
        job.write_text(f"{text}\n{STOP}: true\n")
        variables = dict.fromkeys(re.findall(r"\$\{([A-Z][A-Z0-9_]*)", text), "x")
        answer = subprocess.run(
            [tool, "check", "--config", job, "--output", "json", "--quiet"],
            capture_output=True, text=True, env={**os.environ, **variables}, timeout=60,
        )  # fmt: skip
    if answer.returncode != 2:
        return [(0, f"the tool ended with {answer.returncode}: {answer.stderr.strip()}")]
    errors = json.loads(answer.stdout.splitlines()[-1])["errors"]
    if not any(STOP in json.dumps(error) for error in errors):
        return [(0, "the tool did not read the block to its end")]
    return [
        (error.get("line") or 0, f"{error.get('key', '')}: {error['message']}")
        for error in errors
        if STOP not in json.dumps(error) and (whole or not error["message"].startswith("is missing"))
    ]

"""Blocks that are not run are at least well formed: shell, Python and JSON."""

import json
import subprocess


def check(found):
    for page in found:
        for block in page.blocks:
            checks = {"sh": shell, "python": python, "json": lines_of_json}
            wrong = checks.get(block.words[0] if block.words else "", lambda text: None)(block.text)
            if wrong:
                page.fault(block.line, wrong)


def shell(text):
    answer = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True, check=False)
    return answer.stderr.strip() or None


def python(text):
    try:
        compile(text, "block", "exec")
    except SyntaxError as error:
        return f"no Python: {error}"
    return None


def lines_of_json(text):
    try:
        for line in text.splitlines():
            json.loads(line)
    except ValueError:
        # Not one object on a line: then the whole block is one.
        try:
            json.loads(text)
        except ValueError as error:
            return f"no JSON: {error}"
    return None

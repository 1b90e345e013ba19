"""The Kubernetes examples against the schemas of Kubernetes, and their exit codes against those of the README."""

import re
import warnings

import kubernetes_validate
import yaml

from servers import ROOT, Failure, say

VERSION = "1.37"
MANIFEST = ROOT / "migrations-config/many-processes/kubernetes.yaml"
# What a run that ended can say of another try.
WANTED = {
    "Ignore": [129, 130, 143],  # asked to stop: the others continue
    "FailJob": [2],  # wrong for every pod
    "FailIndex": [4, 5, 6],  # done, with something to look at
}


def exit_codes():
    """Those of the table in the README."""
    table = (ROOT / "README.md").read_text().split("## Exit codes")[1].split("\n## ")[0]
    cells = re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE)
    return sorted(int(code) for cell in cells for code in cell.split(","))


def one_pod():
    """The manifests in the page on schedulers."""
    block = re.search(r"```yaml\n(apiVersion.*?)```", (ROOT / "docs/how-to/schedulers.md").read_text(), re.DOTALL)
    return list(yaml.safe_load_all(block.group(1)))


def check():
    job = yaml.safe_load(MANIFEST.read_text())
    alone = one_pod()
    for manifest in (job, *alone):
        kubernetes_validate.validate(manifest, VERSION, strict=True)
    decides(job, WANTED)
    decides(alone[-1], {"FailJob": [2, 4, 5, 6]}, tried_again=[1, 3, 129, 130, 143])
    say(f"the Kubernetes manifests are valid for {VERSION}, and decide on every exit code")


def decides(job, wanted, tried_again=(1, 3)):
    rules = job["spec"]["podFailurePolicy"]["rules"]
    found = {rule["action"]: rule["onExitCodes"]["values"] for rule in rules if "onExitCodes" in rule}
    if found != wanted:
        raise Failure(f"the manifest's exit codes are {found}, expected {wanted}")
    ruled = sorted([0, *tried_again, *(code for codes in found.values() for code in codes)])
    if ruled != exit_codes():
        raise Failure(f"the manifest decides on the exit codes {ruled}, the README has {exit_codes()}")

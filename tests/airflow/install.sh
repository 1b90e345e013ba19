#!/bin/sh
# Installs what run.py needs and this machine lacks: Redis by apt, and Airflow from PyPI in a Python environment of
# its own, in the folder named by the first argument.
set -eu
folder=$1
here=$(cd "$(dirname "$0")" && pwd)

say() { printf '== %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        say "not root and no sudo without a password: please install as root:$missing"
        exit 1
    fi
}

missing=
command -v redis-server >/dev/null || missing="$missing redis-server"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null || { say "no apt-get here: please install:$missing"; exit 1; }
    say "installing:$missing"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null
    # shellcheck disable=SC2086 # a list of packages
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing </dev/null >/dev/null
fi

# The list itself is kept in the environment, so that a changed one is noticed.
if ! cmp -s "$here/requirements.txt" "$folder/requirements.txt"; then
    say "installing Airflow into $folder"
    rm -rf "$folder"
    python3 -m venv "$folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$folder/requirements.txt"
fi

#!/usr/bin/env bash
# mdBook in FOLDER, from its source: `mdbook.sh FOLDER`. Only search is built in; nothing watches or serves.
# Without optimisation it is built in half the time, and the book takes a second all the same.
set -euo pipefail

version=0.5.4
folder="$1"

if [ "$("$folder/bin/mdbook" --version 2>/dev/null)" != "mdbook v$version" ]; then
    cargo install --locked --quiet --debug --root "$folder" --no-default-features --features search \
        "mdbook@$version"
fi

#!/usr/bin/env bash
# mdBook in FOLDER, from its source: `mdbook.sh FOLDER`. Only search is built in; nothing watches or serves.
# Without optimisation and debug information it is built in half the time, and the book takes two seconds all the same.
set -euo pipefail

version=0.5.4
folder="$1"

if [ "$("$folder/bin/mdbook" --version 2>/dev/null)" != "mdbook v$version" ]; then
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --locked --quiet --debug --root "$folder" --no-default-features --features search \
        "mdbook@$version"
fi

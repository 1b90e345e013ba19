#!/usr/bin/env bash
# Checks the dependencies of the workspace and of the fuzz targets: licences, advisories, sources
# and duplicates with cargo-deny, unused ones with cargo-machete.
#   DENY_OFFLINE=1  with the advisories that are in ~/.cargo/advisory-dbs, whatever their age
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:$HOME/.cargo/bin"

missing=""
for tool in cargo-deny cargo-machete; do
    command -v "$tool" >/dev/null || missing="$missing $tool"
done
if [ -n "$missing" ]; then
    echo "missing:$missing; install with: cargo install --locked$missing" >&2
    exit 1
fi

offline=()
[ -z "${DENY_OFFLINE:-}" ] || offline=(--offline)

cargo deny "${offline[@]}" --locked check
# Their tree is a part of the one above: what it does not meet is no finding there.
for fuzz in tests/fuzz crates/tds-copy/fuzz; do
    cargo deny "${offline[@]}" --locked --config deny.toml --manifest-path "$fuzz/Cargo.toml" check \
        --allow license-not-encountered --allow unmatched-skip --allow unnecessary-skip
done
cargo machete

#!/usr/bin/env bash
# Builds the reader of three drivers (benches/drivers) into FOLDER: `drivers.sh FOLDER`. One of them
# brings OpenSSL, whose headers are installed first where they are missing and that can be done.
# What cannot be built is told, and is no failure of the caller's other measurements.
set -euo pipefail
cd "$(dirname "$0")/../../.."
folder="$1"
export PATH="$PATH:$HOME/.cargo/bin"

if ! command -v pkg-config >/dev/null || ! pkg-config --exists openssl; then
    if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            pkg-config libssl-dev </dev/null >/dev/null ||
            echo "pkg-config and libssl-dev could not be installed" >&2
    else
        echo "please install as root: pkg-config libssl-dev" >&2
    fi
fi

exec cargo build --locked --release --quiet --manifest-path benches/drivers/Cargo.toml \
    --target-dir "$folder"

#!/usr/bin/env bash
# Runs each fuzz target: row_reader and tokens of crates/tds-copy/fuzz, job_file of tests/fuzz. A
# finding ends it, and its input is in the folder `artifacts` of the target's package.
#   FUZZ_SECONDS=N  for each target, 300 by default
#   FUZZ_TARGETS="row_reader tokens job_file"
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:$HOME/.cargo/bin"

if ! rustup toolchain list | grep -q '^nightly'; then
    echo "missing: a nightly toolchain; install with: rustup toolchain install nightly" >&2
    exit 1
fi
if ! command -v cargo-fuzz >/dev/null; then
    echo "missing: cargo-fuzz; install with: cargo install --locked cargo-fuzz" >&2
    exit 1
fi

seconds="${FUZZ_SECONDS:-300}"
targets="${FUZZ_TARGETS:-row_reader tokens job_file}"

# Seeds: the packets of MS-TDS section 4 and the job files of the repository. They are made from
# the files that the tests read, so that there is one copy of each.
seeds="$PWD/target/fuzz-seeds"
rm -rf "$seeds"
mkdir -p "$seeds/tds" "$seeds/job_file"
for example in tests/fixtures/ms_tds/*.hex; do
    name="$(basename "$example" .hex)"
    # The last two bytes choose what is read and how it is cut: as packets, in one piece of 8.
    { sed 's/ *\([0-9A-F][0-9A-F]\) */\\x\1/g' "$example" | tr -d '\n'; echo '\x00\x01'; } |
        xargs -0 printf '%b' | head -c -1 >"$seeds/tds/$name"
done
cp migrations-config/*.yaml "$seeds/job_file/"

for target in $targets; do
    echo "== $target, $seconds s"
    case "$target" in
        job_file) folder=tests/fuzz; seed="$seeds/job_file"; options=(-max_len=8192) ;;
        *) folder=crates/tds-copy/fuzz; seed="$seeds/tds"; options=(-max_len=4096) ;;
    esac
    mkdir -p "$folder/corpus/$target"
    (cd "$folder" && cargo +nightly fuzz run --fuzz-dir . "$target" "corpus/$target" "$seed" -- \
        -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 "${options[@]}")
done

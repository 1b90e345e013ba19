#!/usr/bin/env bash
# Proofs that take longer than a test: samples compared value by value with foreign clients, the
# memory that a table of 2 GiB takes, the tool's CPU seconds per million rows, differences planted in
# a million rows, and what comparing costs.
#   MIGRATE_TEST_SAMPLES=DIR  with instnwnd.sql and instpubs.sql of microsoft/sql-server-samples
#   PROOF_ROWS=N              rows of the StackOverflow-shaped sample, 500000 by default
#   PROOF_GIB=N               size of the large table, 2 by default; 0 leaves it out
#   PROOF_HUGE=0              leaves out the value over 1 GiB, which takes about 8 GiB of memory in all
#   PROOF_PLANTED=N           rows of the table with planted differences, 1000000 by default
#   PYTHON=PATH               a Python with pymssql and psycopg2; default: target/clients
set -euo pipefail
cd "$(dirname "$0")/../.."

rows="${PROOF_ROWS:-500000}"
gib="${PROOF_GIB:-2}"
planted="${PROOF_PLANTED:-1000000}"
huge="${PROOF_HUGE:-1}"
python="${PYTHON:-target/clients/bin/python}"
samples="${MIGRATE_TEST_SAMPLES:-}"
built="${CARGO_TARGET_DIR:-target}/release"

say() { printf '\n== %s\n' "$*"; }

tests/scripts/install.sh
export PATH="$PATH:$HOME/.cargo/bin"
cargo build --locked --release --workspace --bins
if [ ! -x "$python" ]; then
    python3 -m venv target/clients
    target/clients/bin/pip install --quiet pymssql psycopg2-binary
    python=target/clients/bin/python
fi

work="$(mktemp -d "${TMPDIR:-/tmp}/migrate-proof.XXXXXX")"
chmod 755 "$work"
standin=""
cleanup() {
    status=$?
    trap - EXIT
    if [ -n "$standin" ]; then kill "$standin" 2>/dev/null || true; fi
    tests/scripts/cluster.sh stop "$work/pg" || true
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

STANDIN_PASSWORD="Aa1-$(od -An -tx1 -N 8 /dev/urandom | tr -d ' \n')"
PGPASSWORD="$(od -An -tx1 -N 8 /dev/urandom | tr -d ' \n')"
export STANDIN_PASSWORD PGPASSWORD
pg_port=$((20000 + RANDOM % 12000))
tests/scripts/cluster.sh start "$work/pg" "$pg_port" proof
query() { psql --no-psqlrc -qtA -h 127.0.0.1 -p "$pg_port" -U proof -d "$1" -c "$2"; }

# Starts the stand-in with these arguments and waits until it listens.
serve() {
    if [ -n "$standin" ]; then kill "$standin" && wait "$standin" 2>/dev/null || true; fi
    rm -f "$work/address"
    "$built/standin" --listen 127.0.0.1:0 --address-out "$work/address" "$@" >"$work/standin.log" 2>&1 &
    standin=$!
    for _ in $(seq 600); do
        if [ -s "$work/address" ]; then return; fi
        kill -0 "$standin" 2>/dev/null || { cat "$work/standin.log"; exit 1; }
        sleep 0.2
    done
    echo "the stand-in does not listen" >&2
    exit 1
}

port() { sed 's/.*://' "$work/address" | tr -d '\n'; }

# Moves database $1 into the PostgreSQL database $2; $3 is YAML. Prints time and memory. $4 is the
# only exit code that will do; without it 0, or 6: objects that this version does not make are listed
# in the report. $5 is the most connections of the target's pool.
move() {
    local source="$1" target="$2" more="${3:-}" wanted="${4:-}" connections="${5:-8}" code=0
    query postgres "CREATE DATABASE $target"
    cat >"$work/job.yaml" <<YAML
job: $target
source: { host: 127.0.0.1, port: $(port), database: $source, user: sa, password: "\${STANDIN_PASSWORD}", encrypt: off }
target: { host: 127.0.0.1, port: $pg_port, database: $target, user: proof, password: "\${PGPASSWORD}", sslmode: disable, schemas: { dbo: public }, pool: { max_connections: $connections } }
$more
YAML
    /usr/bin/time --output "$work/time" --format "wall %e s, CPU %U + %S s, resident %M KiB" \
        "$built/migrate" --config "$work/job.yaml" --quiet >"$work/report" 2>"$work/said" || code=$?
    if [ -n "$wanted" ]; then
        if [ "$code" -ne "$wanted" ]; then
            cat "$work/report" "$work/said"
            echo "exit code $code, not $wanted" >&2
            exit 1
        fi
    elif [ "$code" -ne 0 ] && [ "$code" -ne 6 ]; then
        cat "$work/report" "$work/said"
        exit 1
    fi
    grep -E '^(total|done)' "$work/report" || true
    tail -n 1 "$work/time"
}

compare() {
    "$python" tests/scripts/compare.py --mssql "sa:$STANDIN_PASSWORD@127.0.0.1:$(port)/$1" \
        --pg "postgresql://proof:$PGPASSWORD@127.0.0.1:$pg_port/$2"
}

if [ -n "$samples" ]; then
    say "Northwind and pubs, value by value"
    for name in Northwind pubs; do
        script="$samples/instnwnd.sql"
        if [ "$name" = pubs ]; then script="$samples/instpubs.sql"; fi
        serve --database "$name" --script "$script"
        grep -iE "error" "$work/standin.log" | head -5 || true
        move "$name" "${name,,}" "transfer: { partition_min_rows: 100 }"
        compare "$name" "${name,,}"
    done
else
    say "SKIPPED: MIGRATE_TEST_SAMPLES is not set, so Northwind and pubs are not compared"
fi

say "the StackOverflow-shaped sample of $rows rows, value by value"
serve --database StackOverflow --sample "stackoverflow:$rows"
move StackOverflow stackoverflow "transfer: { partition_min_rows: 50000 }"
compare StackOverflow stackoverflow

say "CPU per shape"
for table in Votes Comments Posts; do
    echo "$table:"
    move StackOverflow "cpu_${table,,}" "tables: { include: [dbo.$table] }"
    query "cpu_${table,,}" "SELECT count(*) || ' rows' FROM public.${table,,}"
done

say "what comparing costs over reading"
move StackOverflow compared "verify: checksums
transfer: { max_partitions_per_table: 1 }"
VERIFY_JOB="$work/job.yaml" cargo bench --locked --quiet --bench verify_cost

say "planted differences in $planted rows"
MIGRATE_TEST_PLANTED_ROWS="$planted" cargo test --locked --quiet --test e2e verify::planted

if [ "$gib" -gt 0 ]; then
    say "a table of $gib GiB: 12 partitions in flight, resident memory"
    serve --database Large --generated "Large:$((gib * 1024 * 1024)):2048"
    move Large large "transfer: { partition_min_rows: 10000, max_partitions_per_table: 12, partitions_in_flight: 12 }" "" 12
    begun="$(query large "SELECT report -> 'in_flight' ->> 'first' FROM _migrate.runs")"
    if [ "$begun" != 12 ]; then
        echo "$begun partitions were in flight, not 12" >&2
        exit 1
    fi
    query large "SELECT count(*) || ' rows, ' || pg_size_pretty(pg_table_size('public.large')) FROM public.large"
fi

if [ "$huge" -gt 0 ]; then
    say "a value over PostgreSQL's 1 GiB under values.out_of_range: error and reject"
    # Two bytes for each UTF-16 unit at the source, of which some are two or three of UTF-8: over 1 GiB.
    serve --database Huge --generated "Huge:1:2147483646"
    move Huge huge_error "" 1
    cat "$work/report" "$work/said" | grep -m 1 "values.out_of_range"
    move Huge huge_reject "values: { out_of_range: reject }
verify: counts" 5
    kept="$(query huge_reject "SELECT concat_ws('|', key ->> 'Id', source_column, reason, (\"row\" -> 'text' ->> '\$omitted_bytes')::bigint >= 1073741823, (SELECT count(*) FROM public.huge)) FROM _migrate.rejects")"
    echo "kept of it: $kept"
    if [ "$kept" != "1|Text|out_of_range|t|0" ]; then
        echo "the reject is not as documented" >&2
        exit 1
    fi
fi

#!/usr/bin/env bash
# The demo: a stand-in SQL Server with a StackOverflow-shaped sample, a throw-away PostgreSQL, and
# `migrate --config migrations-config/demo.yaml` between them, checked with psql afterwards.
#   KEEP=1          leaves both servers up and says how to connect
#   DEMO_ROWS=N     size of the sample, 500000 by default
#   DEMO_PROFILE=P  cargo profile: release (default) or dev
set -euo pipefail
cd "$(dirname "$0")/../.."

rows="${DEMO_ROWS:-500000}"
profile="${DEMO_PROFILE:-release}"
keep="${KEEP:-0}"

say() { printf '\n== %s\n' "$*" >&2; }

tests/scripts/install.sh
export PATH="$PATH:$HOME/.cargo/bin"

say "building"
cargo build --locked --jobs "${CARGO_BUILD_JOBS:-2}" --profile "$profile" --package migrate \
    --package standin --bins
built="${CARGO_TARGET_DIR:-target}/$([ "$profile" = dev ] && echo debug || echo "$profile")"

work="$(mktemp -d "${TMPDIR:-/tmp}/migrate-demo.XXXXXX")"
chmod 755 "$work"
standin=""

cleanup() {
    status=$?
    trap - EXIT INT TERM
    if [ "$keep" = 1 ] && [ "$status" -eq 0 ]; then
        exit 0
    fi
    if [ "$status" -ne 0 ]; then
        say "the demo failed; last lines of the servers' logs:"
        tail -n 20 "$work/standin.log" "$work/pg/log" >&2 2>/dev/null || true
    fi
    if [ -n "$standin" ]; then
        kill "$standin" 2>/dev/null || true
        wait "$standin" 2>/dev/null || true
    fi
    tests/scripts/cluster.sh stop "$work/pg" || true
    rm -rf "$work"
    exit "$status"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

free_port() {
    local port
    for _ in $(seq 100); do
        # Below the ports that connections get by themselves, 32768 and up.
        port=$((20000 + RANDOM % 12000))
        if ! listening "$port"; then
            echo "$port"
            return
        fi
    done
    echo "no free port found" >&2
    return 1
}

secret() { od -An -tx1 -N 16 /dev/urandom | tr -d ' \n'; }

DEMO_MSSQL_PORT="$(free_port)"
DEMO_PG_PORT="$(free_port)"
DEMO_MSSQL_USER=demo
DEMO_PG_USER=demo
DEMO_MSSQL_PASSWORD="Aa1-$(secret)"
DEMO_PG_PASSWORD="$(secret)"
DEMO_MSSQL_CERTIFICATE="$work/standin.pem"
DEMO_REPORT_JSON="$work/report.json"
DEMO_REPORT_HTML="$work/report.html"
export "${!DEMO_@}" PGPASSWORD="$DEMO_PG_PASSWORD"

say "starting a throw-away PostgreSQL on port $DEMO_PG_PORT"
tests/scripts/cluster.sh start "$work/pg" "$DEMO_PG_PORT" "$DEMO_PG_USER"
query() {
    psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 --host 127.0.0.1 \
        --port "$DEMO_PG_PORT" --username "$DEMO_PG_USER" --dbname "${2:-stackoverflow}" --command "$1"
}
query 'CREATE DATABASE stackoverflow' postgres

say "starting the stand-in SQL Server on port $DEMO_MSSQL_PORT with $rows rows"
STANDIN_PASSWORD="$DEMO_MSSQL_PASSWORD" "$built/standin" \
    --listen "127.0.0.1:$DEMO_MSSQL_PORT" --user "$DEMO_MSSQL_USER" \
    --cert-out "$DEMO_MSSQL_CERTIFICATE" \
    --database StackOverflow --sample "stackoverflow:$rows" \
    --script-after tests/fixtures/demo_objects.sql --stop-on-error >"$work/standin.log" 2>&1 </dev/null &
standin=$!
for _ in $(seq 600); do
    kill -0 "$standin" 2>/dev/null || { say "the stand-in ended"; exit 1; }
    if [ -s "$DEMO_MSSQL_CERTIFICATE" ] && listening "$DEMO_MSSQL_PORT"; then
        break
    fi
    sleep 0.2
done
listening "$DEMO_MSSQL_PORT" || { say "the stand-in does not listen after two minutes"; exit 1; }

say "migrate --config migrations-config/demo.yaml"
TIMEFORMAT='tool: %R s elapsed, %U s user and %S s system CPU'
time "$built/migrate" --config migrations-config/demo.yaml

say "checking with psql"
failed=0
expect() {
    local what="$1" wanted="$2" found
    found="$(query "$3")"
    if [ "$found" = "$wanted" ]; then
        printf 'ok      %s: %s\n' "$what" "$found"
    else
        printf 'FAILED  %s: expected %s, found %s\n' "$what" "$wanted" "$found"
        failed=1
    fi
}
lookups=25 # 8 post types, 15 vote types, 2 link types
expect "rows of all tables" "$((rows + lookups))" "SELECT (SELECT count(*) FROM users)
    + (SELECT count(*) FROM posts) + (SELECT count(*) FROM comments) + (SELECT count(*) FROM votes)
    + (SELECT count(*) FROM badges) + (SELECT count(*) FROM postlinks)
    + (SELECT count(*) FROM posttypes) + (SELECT count(*) FROM votetypes)
    + (SELECT count(*) FROM linktypes)"
expect "link types" "1=Linked,3=Duplicate" \
    "SELECT string_agg(id || '=' || type, ',' ORDER BY id) FROM linktypes"
expect "post types" \
    "Question,Answer,Wiki,TagWikiExerpt,TagWiki,ModeratorNomination,WikiPlaceholder,PrivilegeWiki" \
    "SELECT string_agg(type, ',' ORDER BY id) FROM posttypes"
expect "vote type 13, 15, 16" "InformModerator,ModeratorReview,ApproveEditSuggestion" \
    "SELECT string_agg(name, ',' ORDER BY id) FROM votetypes WHERE id >= 13"
expect "posts with text beyond ASCII" t \
    "SELECT count(*) > 0 FROM posts WHERE octet_length(body) > char_length(body)"
expect "characters that could not be decoded" 0 \
    "SELECT count(*) FROM posts WHERE position(U&'\\FFFD' IN body) > 0"
expect "primary keys" 9 "SELECT count(*) FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
    WHERE contype = 'p' AND relnamespace = 'public'::regnamespace"
expect "identity columns" 9 "SELECT count(*) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
    WHERE attidentity = 'd' AND relkind = 'r' AND relnamespace = 'public'::regnamespace"
expect "foreign keys, validated" 2 "SELECT count(*) FROM pg_constraint
    WHERE contype = 'f' AND convalidated AND connamespace = 'public'::regnamespace"
expect "a check" "CHECK ((reputation >= 0))" \
    "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_users_reputation'"
expect "a partial index" t \
    "SELECT count(*) = 1 FROM pg_indexes WHERE indexname = 'ix_posts_owneruserid' AND indexdef LIKE '%WHERE (owneruserid IS NOT NULL)'"
expect "a default" 0 "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef
    JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
    WHERE adrelid = 'comments'::regclass AND attname = 'score'"
expect "a comment" "One row for each question, answer and wiki page" \
    "SELECT obj_description('posts'::regclass)"
expect "a view with its rows" t \
    "SELECT count(*) > 0 AND count(*) = (SELECT count(*) FROM posts WHERE posttypeid = 1) FROM questions"
expect "the next link type's id" 4 \
    "INSERT INTO linktypes (type) VALUES ('made after the load') RETURNING id"
# With KEEP=1 both sides can be compared afterwards, so they stay equal.
query 'DELETE FROM linktypes WHERE id = 4'

if [ "$failed" -ne 0 ]; then
    exit 1
fi
say "the demo is done"
if [ "$keep" = 1 ]; then
    disown "$standin"
    cat >&2 <<TEXT
both servers stay up:
  psql "host=127.0.0.1 port=$DEMO_PG_PORT dbname=stackoverflow user=$DEMO_PG_USER password=$DEMO_PG_PASSWORD"
  tsql -H 127.0.0.1 -p $DEMO_MSSQL_PORT -U $DEMO_MSSQL_USER -P '$DEMO_MSSQL_PASSWORD' -D StackOverflow
  report: $DEMO_REPORT_HTML
to end them:
  kill $standin; tests/scripts/cluster.sh stop $work/pg; rm -rf $work
TEXT
fi

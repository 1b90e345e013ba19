#!/usr/bin/env bash
# A throw-away PostgreSQL: `cluster.sh start FOLDER PORT USER [NAME=VALUE...]` (password in
# PGPASSWORD) makes a cluster in FOLDER and starts it on loopback, with these settings or, without
# any, those of a cluster that need not survive a power cut; `cluster.sh stop FOLDER` ends it. Root
# cannot run PostgreSQL, so as root it runs as user postgres.
set -euo pipefail

bin="$(dirname "$(command -v initdb || compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -1)")"

run() {
    if [ "$(id -u)" -eq 0 ]; then
        # That user may not enter the caller's folder, and PostgreSQL's programs complain of it.
        (cd / && exec setpriv --reuid=postgres --regid=postgres --init-groups "$@")
    else
        "$@"
    fi
}

start() {
    local folder port="$2" user="$3" secret setting options
    folder="$(realpath --canonicalize-missing "$1")"
    mkdir -p "$folder"
    secret="$(mktemp "$folder/secret.XXXXXX")"
    printf '%s\n' "$PGPASSWORD" >"$secret"
    if [ "$(id -u)" -eq 0 ]; then
        chown -R postgres:postgres "$folder"
    fi
    run "$bin/initdb" --pgdata="$folder/data" --username="$user" --pwfile="$secret" \
        --auth=scram-sha-256 --encoding=UTF8 --no-locale --no-sync >/dev/null
    rm -f "$secret"
    options="-p $port -h 127.0.0.1 -k '$folder'"
    if [ "$#" -eq 3 ]; then
        set -- "$@" fsync=off synchronous_commit=off max_wal_size=2GB
    fi
    for setting in "${@:4}"; do
        options+=" -c $setting"
    done
    run "$bin/pg_ctl" --pgdata="$folder/data" --log="$folder/log" --wait --silent start \
        --options "$options"
}

stop() {
    local folder
    folder="$(realpath --canonicalize-missing "$1")"
    if [ -f "$folder/data/postmaster.pid" ]; then
        run "$bin/pg_ctl" --pgdata="$folder/data" --mode=immediate --wait --silent stop
    fi
}

case "${1:-}" in
start) start "${@:2}" ;;
stop) stop "$2" ;;
*)
    echo "usage: cluster.sh start FOLDER PORT USER [NAME=VALUE...] | stop FOLDER" >&2
    exit 2
    ;;
esac

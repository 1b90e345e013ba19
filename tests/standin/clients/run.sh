#!/bin/sh
# Proof that unmodified clients work: FreeTDS tsql, pymssql, Microsoft's driver through mssql-python.
# Needs `tsql` (Debian: freetds-bin) and a Python with pymssql and mssql-python in $PYTHON.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
python=${PYTHON:-python3}
work=$(mktemp -d)
server=
trap 'test -z "$server" || kill "$server"; rm -rf "$work"' EXIT
password='Str0ng!Passw0rd'
STANDIN_PASSWORD="$password" "${STANDIN:-$here/../../../target/debug/standin}" \
    --listen 127.0.0.1:0 --user sa --server-cert-out "$work/server.pem" --address-out "$work/address" &
server=$!
until test -s "$work/address"; do
    kill -0 "$server"
    sleep 0.05
done
address=$(cat "$work/address")
port=${address##*:}
sh "$here/tsql.sh" 127.0.0.1 "$port" sa "$password"
"$python" "$here/types_pymssql.py" 127.0.0.1 "$port" sa "$password"
"$python" "$here/types_mssql_python.py" 127.0.0.1 "$port" sa "$password" "$work/server.pem"

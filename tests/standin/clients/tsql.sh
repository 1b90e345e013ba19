#!/bin/sh
# FreeTDS tsql: log in with and without TLS, create, insert, read.
# Usage: tsql.sh HOST PORT USER PASSWORD
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for encryption in off request require; do
    printf '[%s]\nhost = %s\nport = %s\ntds version = 7.4\nencryption = %s\nclient charset = UTF-8\n' \
        "$encryption" "$1" "$2" "$encryption" >>"$work/freetds.conf"
done
cat >"$work/script.sql" <<'SQL'
IF OBJECT_ID('dbo.FromTsql') IS NOT NULL DROP TABLE dbo.FromTsql
go
CREATE TABLE dbo.FromTsql (id int NOT NULL PRIMARY KEY, t nvarchar(20) NULL)
go
INSERT INTO dbo.FromTsql VALUES (1, N'größer'), (2, NULL)
go
SELECT id, t FROM dbo.FromTsql ORDER BY id
go
quit
SQL
for encryption in off request require; do
    FREETDSCONF="$work/freetds.conf" LC_ALL=C.UTF-8 tsql -S "$encryption" -U "$3" -P "$4" -o q \
        <"$work/script.sql" >"$work/out" 2>&1 || { cat "$work/out"; exit 1; }
    grep -q '^1	größer$' "$work/out" && grep -q '^2	NULL$' "$work/out" || { cat "$work/out"; exit 1; }
done
if FREETDSCONF="$work/freetds.conf" tsql -S off -U "$3" -P wrong -o q </dev/null >"$work/out" 2>&1; then
    echo "tsql logged in with a wrong password"
    exit 1
fi
grep -q 18456 "$work/out"
echo "tsql: ok"

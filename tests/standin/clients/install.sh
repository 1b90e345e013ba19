#!/bin/sh
# Installs what run.sh needs and this machine lacks: FreeTDS's tsql by apt, and a Python environment
# with the drivers from PyPI in the folder named by the first argument.
set -eu
folder=$1

say() { printf '== %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        say "not root and no sudo without a password: please install as root:$missing"
        exit 1
    fi
}

missing=
command -v tsql >/dev/null || missing="$missing freetds-bin"
python3 -c 'import ensurepip, venv' 2>/dev/null || missing="$missing python3-venv"
# Microsoft's driver is in the wheel; the libraries that it loads are not.
for library in libltdl.so.7 libgssapi_krb5.so.2; do
    /sbin/ldconfig -p | grep -q "$library" && continue
    case $library in
        libltdl.so.7) missing="$missing libltdl7" ;;
        libgssapi_krb5.so.2) missing="$missing libgssapi-krb5-2" ;;
    esac
done
if [ -n "$missing" ]; then
    command -v apt-get >/dev/null || { say "no apt-get here: please install:$missing"; exit 1; }
    say "installing:$missing"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null
    # shellcheck disable=SC2086 # a list of packages
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing </dev/null >/dev/null
fi

[ -x "$folder/bin/python" ] || python3 -m venv "$folder"
if ! "$folder/bin/python" -c 'import pymssql, mssql_python, psycopg2' 2>/dev/null; then
    say "installing pymssql, mssql-python and psycopg2-binary into $folder"
    "$folder/bin/python" -m pip install --quiet --disable-pip-version-check \
        pymssql mssql-python psycopg2-binary
fi

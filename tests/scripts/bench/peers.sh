#!/usr/bin/env bash
# Installs the peers that Debian packages and this machine lacks. What cannot be installed is left to
# the measurement, which names it. sling comes from PyPI, by the measurement itself.
set -euo pipefail

command -v apt-get >/dev/null || exit 0
version="$(compgen -G '/usr/lib/postgresql/*/bin/initdb' | sort -V | tail -1 | cut -d/ -f5)"
missing=""
command -v pgloader >/dev/null || missing="$missing pgloader"
[ -e "/usr/lib/postgresql/$version/lib/tds_fdw.so" ] || missing="$missing postgresql-$version-tds-fdw"
[ -n "$missing" ] || exit 0
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }
printf '== installing:%s\n' "$missing" >&2
for package in $missing; do
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        "$package" </dev/null >/dev/null || printf '== %s cannot be installed\n' "$package" >&2
done

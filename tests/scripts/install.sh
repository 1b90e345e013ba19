#!/usr/bin/env bash
# Installs what building and testing need and this machine lacks (Debian 12, or its like):
# a C compiler and linker, OpenSSL's headers (feature legacy-tls), PostgreSQL, PgBouncer, an SSH server, a Kerberos
# KDC, FreeTDS, valgrind (it
# counts the row path's instructions), Python and
# openssl (for the measurements), and Rust where there is none. Says what it does; installs nothing
# that is there.
set -euo pipefail

say() { printf '== %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    elif command -v sudo >/dev/null && [ -t 0 ]; then
        sudo "$@"
    else
        say "not root and no sudo: please install as root: $missing"
        exit 1
    fi
}

postgres_is_there() {
    command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null
}

missing=""
command -v cc >/dev/null || missing="$missing gcc libc6-dev"
command -v make >/dev/null || missing="$missing make"
command -v pkg-config >/dev/null || missing="$missing pkg-config"
[ -e /usr/include/openssl/ssl.h ] || missing="$missing libssl-dev"
# The measurements: their driver, and a certificate for PostgreSQL.
command -v python3 >/dev/null || missing="$missing python3"
command -v openssl >/dev/null || missing="$missing openssl"
postgres_is_there || missing="$missing postgresql"
command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || missing="$missing pgbouncer"
[ -x /usr/sbin/sshd ] || missing="$missing openssh-server openssh-client"
[ -x /usr/sbin/krb5kdc ] && [ -x /usr/sbin/kadmin.local ] || missing="$missing krb5-kdc krb5-admin-server"
command -v kinit >/dev/null || missing="$missing krb5-user"
command -v tsql >/dev/null || missing="$missing freetds-bin"
command -v valgrind >/dev/null || missing="$missing valgrind"
if ! command -v cargo >/dev/null && [ ! -x "$HOME/.cargo/bin/cargo" ]; then
    command -v curl >/dev/null || missing="$missing curl ca-certificates"
fi

if [ -n "$missing" ]; then
    command -v apt-get >/dev/null || { say "no apt-get here: please install:$missing"; exit 1; }
    say "installing:$missing"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq </dev/null
    # shellcheck disable=SC2086 # a list of packages
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        $missing </dev/null >/dev/null
fi

if ! command -v cargo >/dev/null && [ ! -x "$HOME/.cargo/bin/cargo" ]; then
    say "installing Rust with rustup (rust-toolchain.toml names the version)"
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
        sh -s -- -y --quiet --profile minimal --default-toolchain none --no-modify-path
fi

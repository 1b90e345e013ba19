#!/usr/bin/env bash
# Shows that a program linked statically needs nothing of the system it runs on:
#   tests/scripts/one_file.sh PROGRAM
# PROGRAM alone is put into an empty folder, which becomes the root of its world (chroot, as root), with the
# three files that a network needs: hosts, resolv.conf and, named by SSL_CERT_FILE, an authority. There it
# must say what it is, find a name, verify the certificate of the stand-in server (STANDIN, by default
# target/debug/standin) and read its catalog.
set -euo pipefail
program=$(readlink -f "${1:?the program}")
cd "$(dirname "$0")/../.."
standin=${STANDIN:-target/debug/standin}
root=$(mktemp -d)
server=
end() {
    [ -z "$server" ] || kill "$server" 2>/dev/null || true
    rm -rf "$root"
}
trap end EXIT
fail() {
    echo "FAILED: $*" >&2
    exit 1
}

mkdir "$root/etc" "$root/work"
cp "$program" "$root/migrate"
echo '127.0.0.1 localhost sql01.example.test' >"$root/etc/hosts"
cp /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || : >"$root/etc/resolv.conf"
# No `env` is in there: the program is started with an environment of its own by the shell outside.
inside() { (unset "${!LC_@}" LANG; SSL_CERT_FILE=/etc/authority.pem chroot "$root" /migrate "$@" 2>&1); }

says=$(inside --version --verbose)
echo "$says"
grep -q 'C library linked statically' <<<"$says" || fail "the C library is not linked statically"
grep -q '^Kerberos *none: .*linked statically' <<<"$says" || fail "what Kerberos lacks is not said"

STANDIN_PASSWORD=Stand-in-1 "$standin" --listen 127.0.0.1:0 --user sa --database here \
    --certificate-name sql01.example.test --cert-out "$root/etc/authority.pem" \
    --address-out "$root/work/address" --tls required >/dev/null &
server=$!
for _ in $(seq 200); do
    [ -s "$root/work/address" ] && break
    sleep 0.05
done
port=$(sed 's/.*://' "$root/work/address")
cat >"$root/work/job.yaml" <<YAML
source: { host: sql01.example.test, port: $port, database: here, user: sa, password: Stand-in-1 }
target: { host: localhost, port: 1, database: none, user: nobody, password: none }
YAML
says=$(inside check --config /work/job.yaml || true)
echo "$says"
grep -q 'source: SQL Server 16' <<<"$says" || fail "the source was not reached"
grep -q 'TLS, verified' <<<"$says" || fail "the certificate was not verified"
echo "ok: the program runs alone"

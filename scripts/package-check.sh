#!/usr/bin/env bash
# Installs the .deb in a fresh root of Debian, runs what is in it there, and removes it again. Needs root and debootstrap.
#   package-check.sh FILE.deb
# What only a running systemd could show (the unit's sandbox) is not tried; its file is checked by systemd-analyze.
set -euo pipefail
cd "$(dirname "$0")/.."

deb=$1
suite=${SUITE:-$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")}
mirror=${MIRROR:-http://deb.debian.org/debian}
root=$(mktemp -d -t concert-root.XXXXXX)
chmod 755 "$root"
say() { echo "package-check: $*" >&2; }
enter=("$(command -v chroot)" "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive)
in_root() { "${enter[@]}" "$@"; }
server=
finish() {
  [ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true
  umount "$root/proc" 2>/dev/null || true
  rm -rf --one-file-system "$root"
}
trap finish EXIT
trap 'exit 130' INT TERM

say "the unit"
# The program is in the package, not on this machine.
unit=$(mktemp -d)
sed "s|/usr/bin/concert-server|$(command -v true)|" concert-server/packaging/concert-server.service > "$unit/concert-server.service"
systemd-analyze verify --man=no "$unit/concert-server.service"
systemd-analyze security --offline=yes --threshold=20 "$unit/concert-server.service" | tail -n 1 >&2
rm -r "$unit"

say "a fresh root of $suite"
debootstrap --variant=minbase "$suite" "$root" "$mirror" > "$root.log" 2>&1 || { cat "$root.log" >&2; exit 1; }
rm -f "$root.log"
cp /etc/resolv.conf "$root/etc/resolv.conf"
mount -t proc proc "$root/proc"
cp "$deb" "$root/tmp/concert.deb"
in_root apt-get -qq update
in_root apt-get -qq -y -o Dpkg::Use-Pty=0 install /tmp/concert.deb > /dev/null

say "what was installed"
in_root dpkg --verify concert
in_root sh -ec '
  getent passwd concert; test "$(stat -c %U:%a /var/lib/concert)" = concert:700
  test -e /lib/systemd/system/concert-server.service || test -e /usr/lib/systemd/system/concert-server.service
  test -e /usr/share/man/man1/concert-server.1.gz; test -e /usr/share/man/man1/concert-cli-hold.1.gz
  bash -n /usr/share/bash-completion/completions/concert-cli; bash -n /usr/share/bash-completion/completions/concert-server
  concert-server --version; concert-cli --version
  concert-server config | grep "^data-dir .*/etc/concert/concert.toml:"' >&2

say "the server, as its user, on its private database"
as_user=(setpriv --reuid=concert --regid=concert --init-groups --no-new-privs env -C /var/lib/concert)
as_concert() { in_root "${as_user[@]}" "$@"; }
# Port 0 would be found nowhere: the settings say where `health` asks.
port=$((20000 + RANDOM % 10000))
sed -i "s/^listen = .*/listen = \"127.0.0.1:$port\"/" "$root/etc/concert/concert.toml"
"${enter[@]}" "${as_user[@]}" concert-server > "$root/tmp/server.log" 2>&1 &
server=$!
for _ in $(seq 300); do
  as_concert concert-server health >/dev/null 2>&1 && break
  kill -0 "$server" 2>/dev/null || { cat "$root/tmp/server.log" >&2; exit 1; }
  sleep 0.2
done
as_concert concert-server health
as_concert concert-cli doctor --brief
as_concert concert-cli seed --concerts 1 --seats 20 --users 1 > /dev/null
as_concert concert-cli audit
kill -TERM "$server"
wait "$server" || { say "it ended with $?"; cat "$root/tmp/server.log" >&2; exit 1; }
server=

say "removed: settings and data stay; purged: the data"
in_root apt-get -qq -y -o Dpkg::Use-Pty=0 remove concert > /dev/null
test -e "$root/etc/concert/concert.toml"
in_root apt-get -qq -y -o Dpkg::Use-Pty=0 purge concert > /dev/null
test ! -e "$root/etc/concert/concert.toml"
test -d "$root/var/lib/concert/mariadb"
say "$(basename "$deb") installs, serves and goes"

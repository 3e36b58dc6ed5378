#!/usr/bin/env bash
# Installs what `make build` has built: install.sh FOLDER-OF-PROGRAMS PREFIX; everything below DESTDIR, if that is set.
set -euo pipefail
cd "$(dirname "$0")/.."

built=$1 prefix=$2
to=${DESTDIR:-}$prefix
install -D -m 755 -t "$to/bin" "$built/concert-server" "$built/concert-cli"
install -D -m 644 -t "$to/share/man/man1" "$built"/dist/man/*.1.gz
install -D -m 644 -t "$to/share/bash-completion/completions" "$built"/dist/bash/*
install -D -m 644 -t "$to/share/zsh/site-functions" "$built"/dist/zsh/*
install -D -m 644 -t "$to/share/fish/vendor_completions.d" "$built"/dist/fish/*
install -D -m 644 -t "$to/share/doc/concert" README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE concert-server/packaging/concert.toml
# The unit wants a user `concert`: useradd --system --home-dir /var/lib/concert --shell /usr/sbin/nologin concert
install -d "$to/lib/systemd/system"
sed "s|/usr/bin/concert-server|$prefix/bin/concert-server|" concert-server/packaging/concert-server.service \
  > "$to/lib/systemd/system/concert-server.service"
chmod 644 "$to/lib/systemd/system/concert-server.service"
echo "installed in $to: concert-server, concert-cli; settings: $prefix/share/doc/concert/concert.toml, to copy to /etc/concert" >&2

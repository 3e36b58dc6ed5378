#!/usr/bin/env bash
# Installs what building and running need beside Rust: MariaDB's server programs, and curl for the demo.
# With --cluster, Galera as well; with --monitoring, promtool alone is added; with --pages, node; with --browser, node,
# Chromium and what reads a QR code. Changes nothing where they are there.
set -euo pipefail

have() { PATH="$PATH:/usr/sbin:/usr/local/sbin:/opt/homebrew/bin" command -v "$1" >/dev/null 2>&1; }

if ! have cargo; then
  echo "Rust is missing: install it from https://rustup.rs (1.94 or newer)." >&2
  exit 1
fi

packages=()
have mariadbd && have mariadb-install-db && have my_print_defaults || packages+=(mariadb-server-core mariadb-client-core)
have curl || packages+=(curl ca-certificates)
if [ "${1:-}" = --cluster ] && ! { [ -e /usr/lib/galera/libgalera_smm.so ] && have wsrep_sst_rsync && have rsync && have lsof; }; then
  packages+=(mariadb-server galera-4 rsync lsof iproute2)
fi
[ "${1:-}" != --monitoring ] || have promtool || packages+=(prometheus)
if [ "${1:-}" = --browser ]; then
  have chromium || have google-chrome || packages+=(chromium)
  have zbarimg || packages+=(zbar-tools)
  # Korean letters, for the pictures.
  [ -n "$(fc-list :lang=ko 2>/dev/null)" ] || packages+=(fontconfig fonts-nanum)
fi
if [ "${1:-}" = --pages ] || [ "${1:-}" = --browser ]; then
  have node && have npm || packages+=(nodejs npm)
fi
[ ${#packages[@]} -gt 0 ] || exit 0

if ! have apt-get; then
  echo "Missing, as Debian names them: ${packages[*]}. MariaDB (10.6 or newer) and curl on Fedora: dnf install mariadb-server curl; macOS: brew install mariadb curl." >&2
  exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
  have sudo || { echo "Run as root: apt-get install ${packages[*]}" >&2; exit 1; }
  as_root=(sudo)
fi
echo "Installing ${packages[*]} ..." >&2
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null

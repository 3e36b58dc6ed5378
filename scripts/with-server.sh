#!/usr/bin/env bash
# Runs a command against a server of its own: a private database in a folder that goes away, with a concert, an ACTIVE
# user and an operator key. The command gets URL, CONCERT, USER_ID, TOKEN (the queue token) and OPERATOR_KEY.
set -euo pipefail
bin=$(cd "$(dirname "$0")/.." && cd "${CARGO_TARGET_DIR:-target}/debug" && pwd)
CONCERT_DATA_DIR=$(mktemp -d)
# Any free port: the kernel's choice for a moment, which nobody else takes so soon.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
export CONCERT_DATA_DIR CONCERT_LISTEN=127.0.0.1:$port URL=http://127.0.0.1:$port RUST_LOG=${RUST_LOG:-warn}
unset DATABASE_URL
"$bin/concert-server" ${SERVER_OPTIONS:-} &
server=$!
finish() {
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" || true
  rm -rf "$CONCERT_DATA_DIR"
}
trap finish EXIT
trap 'exit 130' INT TERM
for _ in $(seq 600); do
  curl -fs "$URL/health/ready" >/dev/null 2>&1 && break
  kill -0 "$server" 2>/dev/null || exit 1
  sleep 0.1
done
field() { [[ $2 =~ \"$1\":\ *\"?([^\",}]*) ]] && echo "${BASH_REMATCH[1]}"; }
seeded=$("$bin/concert-cli" --output json seed --concerts 1 --seats 500 --users 1 --balance 100000 --yes 2>/dev/null)
CONCERT=$(field concertId "$seeded")
USER_ID=$(field userId "$seeded")
OPERATOR_KEY=$(field key "$("$bin/concert-cli" --output json key make --role operator --name tests)")
TOKEN=$(field token "$(curl -fs "$URL/api/v1/tokens" -H 'Content-Type: application/json' -d "{\"userId\":\"$USER_ID\"}")")
export CONCERT USER_ID TOKEN OPERATOR_KEY
"$@"

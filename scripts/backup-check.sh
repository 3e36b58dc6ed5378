#!/usr/bin/env bash
# Dumps a running server's database while it sells, restores the dump, audits it, and compares what had been sold.
# Run by scripts/with-server.sh.
set -euo pipefail
bin=$(cd "$(dirname "$0")/.." && cd "${CARGO_TARGET_DIR:-target}/debug" && pwd)
socket=$(find "$CONCERT_DATA_DIR" -name '*.sock' -type s -print -quit)
sql() { mariadb --no-defaults --socket="$socket" --user="${DB_USER:-root}" "$@"; }
json='Content-Type: application/json'
buy() {
  local held order total
  held=$(curl -s "$URL/api/v1/reservations" -H "Authorization: Bearer $TOKEN" -H "$json" \
    -d "{\"concertId\":\"$CONCERT\",\"userId\":\"$USER_ID\",\"seatNumber\":$1}")
  order=$(sed 's/.*"orderId":"\([^"]*\)".*/\1/' <<<"$held")
  total=$(sed 's/.*"total":\([0-9.]*\).*/\1/' <<<"$held")
  curl -s "$URL/api/v1/payments/process" -H "Authorization: Bearer $TOKEN" -H "$json" \
    -d "{\"orderId\":\"$order\",\"amount\":$total,\"userId\":\"$USER_ID\"}" | grep -q '"status":"success"'
}
for seat in 1 2 3 4 5; do buy "$seat"; done
(for seat in $(seq 6 60); do buy "$seat" || exit 1; done) &
selling=$!
mariadb-dump --no-defaults --socket="$socket" --user="${DB_USER:-root}" --single-transaction --quick --hex-blob concert >"$CONCERT_DATA_DIR/concert.sql"
wait "$selling"
sql -e 'create database restored'
sql restored <"$CONCERT_DATA_DIR/concert.sql"
sold() { sql -N "$1" -e "select count(*) from payments where payment_status = 'SUCCESS'"; }
before=$(sold restored) now=$(sold concert)
"$bin/concert-cli" --database-url "mysql://${DB_USER:-root}@localhost/restored?socket=$socket" audit
[ "$before" -ge 5 ] && [ "$before" -le "$now" ] && [ "$now" -eq 60 ]
echo "backup-check: the dump has $before of $now sold seats, and its audit finds nothing"

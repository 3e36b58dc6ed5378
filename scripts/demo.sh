#!/usr/bin/env bash
# Starts the server on its private database, puts a concert on sale, and prints a purchase to paste.
# With --check it carries the purchase out itself, in a folder that it removes, and stops.
set -euo pipefail
cd "$(dirname "$0")/.."

bin=${CARGO_TARGET_DIR:-target}/debug
check=${1:-}
if [ "$check" = --check ]; then
  CONCERT_DATA_DIR=$(mktemp -d)
  CONCERT_LISTEN=${CONCERT_LISTEN:-127.0.0.1:18080}
fi
export CONCERT_DATA_DIR=${CONCERT_DATA_DIR:-.concert-data} CONCERT_LISTEN=${CONCERT_LISTEN:-127.0.0.1:8080}
# Requests are not logged here: they would hide what is printed.
export RUST_LOG=${RUST_LOG:-info,concert_server::http=warn}
unset DATABASE_URL
url=http://$CONCERT_LISTEN

"$bin/concert-server" &
server=$!
finish() {
  kill -TERM "$server" 2>/dev/null || true
  wait "$server" || true
  [ "$check" != --check ] || rm -rf "$CONCERT_DATA_DIR"
}
trap finish EXIT
trap 'exit 130' INT TERM

for _ in $(seq 600); do
  curl -fs "$url/health/ready" >/dev/null 2>&1 && break
  kill -0 "$server" 2>/dev/null || exit 1
  sleep 0.1
done

# New ones at every start, so that there is always a concert with free seats; --yes, since earlier starts have left payments.
seeded=$("$bin/concert-cli" --output json seed --concerts 1 --seats 600 --rows 24 --users 3 --balance 1000 --yes 2>/dev/null)
# The first value of a name in JSON. Not through `head`: whoever writes to it may be told that nobody reads.
first() { [[ $2 =~ \"$1\":\ *\"?([^\",}]*) ]] && echo "${BASH_REMATCH[1]}"; }
concert=$(first concertId "$seeded") user=$(first userId "$seeded")
key() { "$bin/concert-cli" --output json key make --role "$1" --name "demo-$1-$$" 2>/dev/null | sed -n 's/.*"key": *"\([^"]*\)".*/\1/p'; }
operator_key=$(key operator) gate_key=$(key gate)
seats=$(curl -fs "$url/api/v1/reservations/$concert/seats")
price=$(first price "$seats")

purchase=$(cat <<EOF
URL=$url CONCERT=$concert USER_ID=$user JSON='Content-Type: application/json'
TOKEN=\$(curl -s \$URL/api/v1/tokens -H "\$JSON" -d '{"userId":"'\$USER_ID'"}' | sed 's/.*"token":"\([^"]*\)".*/\1/')
curl -s \$URL/api/v1/reservations/dates; echo
curl -s \$URL/api/v1/tokens/\$USER_ID -H "Authorization: Bearer \$TOKEN"; echo
HELD=\$(curl -s \$URL/api/v1/reservations -H "Authorization: Bearer \$TOKEN" -H "\$JSON" -d '{"concertId":"'\$CONCERT'","seatNumber":1,"userId":"'\$USER_ID'"}'); echo "\$HELD"
RESERVATION=\$(sed 's/.*"reservationId":"\([^"]*\)".*/\1/' <<<"\$HELD")
curl -s \$URL/api/v1/payments/recharge -H "Authorization: Bearer \$TOKEN" -H "\$JSON" -d '{"userId":"'\$USER_ID'","amount":500}'; echo
curl -s \$URL/api/v1/payments/process -H "Authorization: Bearer \$TOKEN" -H "\$JSON" -d '{"reservationId":"'\$RESERVATION'","amount":$price,"userId":"'\$USER_ID'"}'; echo
curl -s \$URL/api/v1/reservations -H "Authorization: Bearer \$TOKEN" -H "\$JSON" -d '{"concertId":"'\$CONCERT'","seatNumber":1,"userId":"'\$USER_ID'"}'; echo
EOF
)

cat <<EOF

concert is ready. Open $url/ in a browser: sign up, join the queue, choose a seat, put money in, pay.
  operators: $url/admin with the key $operator_key
  gates:     $url/door with the key $gate_key

The interface for programs is there, too (API page: $url/docs/)
  concert $concert, 600 seats in 24 rows
  user    $user, balance 1000

A whole purchase, to paste; the last line tries the sold seat again and is refused with 409:

$purchase

Then, in this folder:
  $bin/concert-cli status
  $bin/concert-cli audit
Ctrl-C ends the demo; the data stay in $CONCERT_DATA_DIR.
EOF

if [ "$check" = --check ]; then
  said=$(bash -euc "$purchase")
  echo "$said"
  grep -q '"status":"success"' <<<"$said"
  tail -n 1 <<<"$said" | grep -q '"code":"SEAT_ALREADY_RESERVED"'
  "$bin/concert-cli" --output json status 2>/dev/null | tr -d ' \n' | grep -q '"held":0,"sold":1'
  "$bin/concert-cli" audit
  echo "demo-check: the printed purchase works"
  exit 0
fi
wait "$server"

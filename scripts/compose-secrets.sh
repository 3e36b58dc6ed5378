#!/usr/bin/env bash
# Makes the secrets that compose.yaml mounts, in secrets/; changes nothing that is there.
set -euo pipefail
cd "$(dirname "$0")/.."

mkdir -p -m 700 secrets
random() { head -c 36 /dev/urandom | base64 | tr '+/' '-_'; }
# The folder is closed. The files are not, since the user inside the container has another number.
make() { [ -s "secrets/$1" ] || { printf '%s\n' "$2" > "secrets/$1"; chmod 644 "secrets/$1"; }; }
make database-password "$(random)"
make database-url "mysql://concert:$(< secrets/database-password)@database:3306/concert"
make jwt-secret "$(random)"
echo "secrets/ has the database's password and URL, and the secret that signs access tokens." >&2

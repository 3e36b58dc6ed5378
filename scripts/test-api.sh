#!/usr/bin/env bash
# Schemathesis against a server of its own: tests/api/schemathesis.toml says what is left out and why.
set -euo pipefail
cd "$(dirname "$0")/.."
tool=${CARGO_TARGET_DIR:-target}/schemathesis
if ! [ -x "$tool/bin/schemathesis" ]; then
  python3 -m venv "$tool"
  "$tool/bin/pip" install --quiet 'schemathesis>=4.32,<5'
fi
export tool
scripts/with-server.sh bash -euc '
  "$tool/bin/schemathesis" --config-file tests/api/schemathesis.toml run "$URL/api-docs/openapi.json" --url "$URL" --workers 2 "$@"
' schemathesis "$@"

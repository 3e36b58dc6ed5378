#!/usr/bin/env bash
# Generates the client from the server's own document, compiles it, and lets it buy a seat.
set -euo pipefail
cd "$(dirname "$0")"
npm ci --no-audit --no-fund --silent
npx openapi-typescript "$URL/api-docs/openapi.json" -o schema.d.ts
npx tsc -p .
node built/buy.js "$URL" "$CONCERT"

#!/usr/bin/env bash
# Builds the scripts of the pages: types from the OpenAPI document of this tree, the type check, the bundles. Run by `make pages`.
set -euo pipefail
cd "$(dirname "$0")"
npm ci --silent --no-audit --no-fund
node_modules/.bin/openapi-typescript openapi.json --output ts/openapi.d.ts >/dev/null 2>&1
node_modules/.bin/tsc --noEmit
node build.mjs

#!/usr/bin/env bash
# Tries the pages in a browser, on what `make programs` has built. With --where-possible, a machine that can have no
# browser, no node or none of their packages is told so in one line, and passes.
set -euo pipefail
cd "$(dirname "$0")/.."

not_here() {
  echo "The pages were not tried in a browser: ${1%.}." >&2
  [ "$mode" = --where-possible ]
  exit
}
mode=${1:-}

said=$(scripts/setup.sh --browser 2>&1) || not_here "${said##*$'\n'}"
[ -z "$said" ] || echo "$said" >&2
[ "$(node --print 'Number.parseInt(process.versions.node)')" -ge 20 ] || not_here "node is $(node --version), and they need 20 or newer"

cd tests/browser
# npm writes the inner file last: where it is the newer one, what is installed is what the lock file says.
if ! [ node_modules/.package-lock.json -nt package-lock.json ]; then
  npm ping >/dev/null 2>&1 || not_here "the registry of npm cannot be reached"
  npm ci --silent --no-audit --no-fund
fi
npm test --silent

#!/usr/bin/env bash
# Runs the bench of two builds in turns, so that a drift of the machine meets both, and prints the medians side by side.
#
#   scripts/bench-turns.sh OLD NEW [OPTION...]
#
# OLD and NEW are the programs `target/release/examples/bench` of the two builds, each with its own `concert-server` in the
# folder above; only NEW must know --compare. The options go to both. The environment may say:
#   TURNS  how often each is run; default 3
#   ROWS   which groups of rows, with spaces between them; default all
#   OUT    where the results go; default target/bench-turns
set -euo pipefail

if [ $# -lt 2 ]; then
  sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" >&2
  exit 2
fi
old=$1 new=$2
shift 2
turns=${TURNS:-3}
read -ra rows <<<"${ROWS:-}"
out=${OUT:-target/bench-turns}
for program in "$old" "$new"; do
  [ -x "$program" ] || { echo "$program is no program." >&2; exit 2; }
done
rm -rf "$out/old" "$out/new"
mkdir -p "$out"

# One run of one side. Groups go one by one by --only, which every build knows; a build that lacks one shows no row of it.
run() {
  local side=$1 program=$2 turn=$3
  shift 3
  echo "== $side, turn $turn of $turns" >&2
  if [ ${#rows[@]} -eq 0 ]; then
    "$program" "$@" --out "$out/$side/$turn" >&2
    return
  fi
  local group
  for group in "${rows[@]}"; do
    "$program" "$@" --only "$group" --out "$out/$side/$turn-$group" >&2
  done
}

for ((turn = 1; turn <= turns; turn++)); do
  if ((turn % 2)); then
    run old "$old" "$turn" "$@"
    run new "$new" "$turn" "$@"
  else
    run new "$new" "$turn" "$@"
    run old "$old" "$turn" "$@"
  fi
done
"$new" --compare "$out" | tee "$out/turns.md"

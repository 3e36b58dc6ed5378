#!/usr/bin/env bash
# Writes manual pages and completions of both programs into a folder: dist.sh FOLDER-OF-PROGRAMS FOLDER.
set -euo pipefail

programs=$1 out=$2
rm -rf "$out"
mkdir -p "$out"/{man,bash,zsh,fish}
for program in concert-server concert-cli; do
  "$programs/$program" man --out "$out/man" >/dev/null
  "$programs/$program" completions bash > "$out/bash/$program"
  "$programs/$program" completions zsh > "$out/zsh/_$program"
  "$programs/$program" completions fish > "$out/fish/$program.fish"
done
gzip -9n "$out"/man/*.1

#!/usr/bin/env bash
# Creates the next migration, empty, for both databases: migrate_new.sh <name_in_snake_case>
set -euo pipefail
# shellcheck source=tests/support/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

name="${1:-}"
if [[ ! "$name" =~ ^[a-z][a-z0-9_]*$ ]]; then
    echo "usage: make migrate-new NAME=what_it_does" >&2
    exit 2
fi

cd "$repository_root/migrations"
last="$(find . -mindepth 2 -maxdepth 2 -type d -printf '%f\n' | sed -n 's/^\([0-9]\{4\}\)_.*/\1/p' |
    sort | tail -n 1)"
# 10#: the leading zeros are not octal.
next="$(printf '%04d' $((10#${last:-0} + 1)))"
for backend in sqlite postgres; do
    folder="$backend/${next}_$name"
    mkdir -p "$folder"
    for direction in up down; do
        printf -- '-- What this changes, and why.\n' >"$folder/$direction.sql"
        echo "migrations/$folder/$direction.sql"
    done
done

#!/usr/bin/env bash
# The README's own shell script against the release binary: if it fails here, the README lies.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
agora="${AGORA_BIN:-$PWD/target/release/agora}"
work="$(mktemp -d)"
server=""
clean_up() {
    if [[ -n "$server" ]]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$work"
}
trap clean_up EXIT

# The README's lines are found by the markers around them, and run as they stand; only the port
# differs, so that a network of yours may go on.
port="$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
sed -n '/<!-- quickstart -->/,/<!-- end -->/p' README.md | sed -n '/^```sh$/,/^```$/p' | sed '/^```/d' |
    sed "s/127\.0\.0\.1:4000/127.0.0.1:$port/g" >"$work/quickstart.sh"
[[ -s "$work/quickstart.sh" ]] || { echo "the README has no quickstart"; exit 1; }

started="$(date +%s%N)"
(cd "$work" && exec "$agora" --port "$port" --data-dir "$work/data" >"$work/banner" 2>"$work/log") &
server=$!
for _ in $(seq 600); do
    "$agora" health --url "http://127.0.0.1:$port" >/dev/null 2>&1 && break
    kill -0 "$server" || { cat "$work/log"; exit 1; }
    read -rt 0.05 <> <(:) || true
done
echo "ready after $((($(date +%s%N) - started) / 1000000)) ms"

passed=0
failed=0
check() {
    if [[ "$2" == *"$3"* ]]; then
        passed=$((passed + 1)) && echo "ok      $1"
    else
        failed=$((failed + 1)) && printf 'FAILED  %s\n  wanted: %s\n  got:    %s\n' "$1" "$3" "$2"
    fi
}
output="$(cd "$work" && PATH="$(dirname "$agora"):$PATH" bash -eu "$work/quickstart.sh" 2>&1)" || true
check "the README's script reads back what it wrote" "$(tail -n 1 <<<"$output")" '"result":"green"'
[[ "$failed" == 0 ]] || printf '%s\n' "$output"
check "the banner says where the API is" "$(cat "$work/banner")" "http://127.0.0.1:$port/v1"
check "the banner says where the documentation is" "$(cat "$work/banner")" "http://127.0.0.1:$port/docs"
second="$("$agora" --port 0 --data-dir "$work/data" 2>&1 || true)"
check "a second network on the same data is refused" "$second" "another agora"
exposed="$("$agora" --host 0.0.0.0 --port 0 --data-dir "$work/other" 2>&1 || true)"
check "an exposed network without a key is refused" "$exposed" "--admin-key"
taken="$("$agora" --port "$port" --data-dir "$work/other" 2>&1 || true)"
check "a taken port is named" "$taken" "cannot listen on 127.0.0.1:$port"
kill -TERM "$server"
code=0
wait "$server" || code=$?
server=""
check "SIGTERM ends it in order" "$code" "0"
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ "$failed" == 0 ]]

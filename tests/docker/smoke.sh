#!/usr/bin/env bash
# The shipped image: built from docker/Dockerfile, run without any privilege, used through its
# HTTP API, stopped, and started again on the same volume.
#
#   tests/docker/smoke.sh
#
# Starts a Docker engine when none answers and makes the base images when they are missing (see
# tests/support/). Leaves the images behind, as caches: agora:smoke, and agora:smoke-build with the
# build stage's compiled dependencies. The last line is "N passed, N failed".
set -euo pipefail
# shellcheck source=tests/support/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../support/common.sh"
# shellcheck source=tests/support/docker_engine.sh
source "$repository_root/tests/support/docker_engine.sh"

image="agora:smoke"
name="agora-smoke-$$"
volume="$name"
work="$(mktemp -d)"
passed=0
failed=0

clean_up() {
    trap - EXIT
    docker rm --force "$name" "$name-example" "$name-closed" >/dev/null 2>&1 || true
    docker volume rm --force "$volume" >/dev/null 2>&1 || true
    stop_docker_engine
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# check <what is expected> <command…>: counts whether the command succeeds.
check() {
    local what="$1"
    shift
    if "$@"; then
        passed=$((passed + 1))
        printf 'ok   %s\n' "$what"
    else
        failed=$((failed + 1))
        printf 'FAIL %s\n' "$what"
        docker logs --tail 40 "$name" 2>&1 | sed 's/^/     | /' || true
    fi
}

finish() {
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    [[ $failed -eq 0 ]]
    exit
}

# Prints one member of the JSON object on standard input; fails when it is not there.
member() {
    python3 -c 'import json, sys
value = json.load(sys.stdin)[sys.argv[1]]
print(value if isinstance(value, str) else json.dumps(value))' "$1"
}

# Prints a JSON object: object key value key value…; a value that starts with @ is JSON already.
object() {
    python3 -c 'import json, sys
words = sys.argv[1:]
read = lambda word: json.loads(word[1:]) if word.startswith("@") else word
print(json.dumps({key: read(value) for key, value in zip(words[::2], words[1::2])}))' "$@"
}

get() { curl --silent --show-error --fail-with-body --max-time 40 "$base$1"; }
get_quietly() { get "$1" >/dev/null; }
post() {
    curl --silent --show-error --fail-with-body --max-time 40 \
        --header 'content-type: application/json' --data-binary @- "$base$1"
}

# Everything a contract's host could want is taken away: the sandbox must need none of it.
run_server() {
    docker run --detach --name "$name" --env AGORA_OPEN=true \
        --publish "127.0.0.1:$port:4000" --volume "$volume:/data" \
        --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
        --health-interval 1s "$image" >/dev/null
}

is_healthy() {
    local waited=0
    until [[ "$(docker inspect --format '{{.State.Health.Status}}' "$name")" == healthy ]]; do
        if ((waited++ >= 60)) ||
            [[ "$(docker inspect --format '{{.State.Running}}' "$name")" != true ]]; then
            docker inspect --format '{{json .State}}' "$name"
            return 1
        fi
        sleep 1
    done
}

is_accepted() {
    local status
    status="$(get "/v1/transactions/$1?wait=ACCEPTED&timeout=30" | member status)" || return 1
    [[ "$status" == ACCEPTED || "$status" == FINALIZED ]] || { echo "status $status" && return 1; }
}

reads_back() {
    local result
    result="$(object method get args '@["colour"]' | post "/v1/contracts/$contract/read" |
        member result)" || return 1
    [[ "$result" == "$1" ]] || { echo "read $result instead of $1" && return 1; }
}

stops_cleanly() {
    local started=$SECONDS code
    docker stop --time 20 "$name" >/dev/null
    code="$(docker inspect --format '{{.State.ExitCode}}' "$name")"
    # 137 is the engine's SIGKILL after the grace.
    [[ "$code" == 0 ]] && ((SECONDS - started < 20)) ||
        { echo "exit code $code after $((SECONDS - started)) s" && return 1; }
}

refuses_to_be_open() {
    # Killed by `timeout`, a server that does start gives 124.
    local code=0
    timeout 20 docker run --rm --name "$name-closed" "$image" >"$work/closed" 2>&1 || code=$?
    ((code != 0 && code != 124)) || { echo "exit code $code" && tail -n 5 "$work/closed" && return 1; }
}

say "Docker: engine and base images"
install_packages curl python3
start_docker_engine
"$repository_root/tests/support/base_images.sh"

# Standard proxy variables are build arguments every Dockerfile has; the rest is in the base image.
proxies=()
for variable in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY; do
    [[ -z "${!variable:-}" ]] || proxies+=(--build-arg "$variable")
done
build() {
    docker build --network host ${proxies[@]+"${proxies[@]}"} \
        --file "$repository_root/docker/Dockerfile" "$@" "$repository_root"
}

say "Docker: building the image (the release build: minutes, when the lock file has changed)"
started=$SECONDS
if ! build --target build --tag agora:smoke-build >"$work/build" 2>&1 ||
    ! build --tag "$image" >>"$work/build" 2>&1; then
    tail -n 60 "$work/build"
    failed=1
    finish
fi
note "built in $((SECONDS - started)) s: $(docker image inspect --format '{{.Size}}' "$image" |
    awk '{ printf "%d MB", $1 / 1000000 }')"
passed=1

say "Docker: running the image"
port="$(free_port)"
base="http://127.0.0.1:$port"
sender="0x1111111111111111111111111111111111111111"
docker volume create "$volume" >/dev/null

check "without a key and without being told so, it does not serve the network" refuses_to_be_open

check "it starts without privileges, on a file system it cannot write" run_server
check "it becomes healthy by its own health check" is_healthy
if ((failed > 0)); then
    finish
fi
check "it says it is ready" get_quietly /ready
check "it does not run as root" test "$(docker exec "$name" id -u)" = 10001

docker run --rm --name "$name-example" "$image" contract examples key_value_store \
    >"$work/contract.py" || note "there is no example contract to deploy"
deployed="$(object type deploy from "$sender" code "$(cat "$work/contract.py")" args '@[]' |
    post /v1/transactions || true)"
contract="$(member contract <<<"$deployed" || true)"
check "a contract is deployed" is_accepted "$(member hash <<<"$deployed" || true)"

called="$(object type call from "$sender" to "$contract" method put args '@["colour", "green"]' |
    post /v1/transactions || true)"
check "a call is accepted" is_accepted "$(member hash <<<"$called" || true)"
check "what was put is read" reads_back green
check "SIGTERM ends it with exit code 0 within its grace" stops_cleanly

docker rm "$name" >/dev/null
check "a new container starts on the same volume" run_server
check "and becomes healthy" is_healthy
check "and still knows the value" reads_back green
check "and stops as cleanly" stops_cleanly

finish

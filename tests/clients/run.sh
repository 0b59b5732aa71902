#!/usr/bin/env bash
# The published clients of GenLayer, at pinned versions, driven against the real binary: an author
# who points one of them at Agora instead of GenLayer Studio must notice only that it is faster.
#
#   tests/clients/run.sh               every suite
#   tests/clients/run.sh viem web3     those whose name contains one of the words
#
# AGORA_BIN names the binary; without it, the release build or else the debug build is taken. Every
# suite has a network of its own, on a port and data of its own. The last line is "N passed, N failed".
set -euo pipefail
# shellcheck source=tests/support/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/../support/common.sh"
# shellcheck source=tests/clients/install.sh
source "$repository_root/tests/clients/install.sh"

wanted=("$@")
agora="${AGORA_BIN:-}"
for build in release debug; do
    [[ -n "$agora" ]] || [[ ! -x "$repository_root/target/$build/agora" ]] ||
        agora="$repository_root/target/$build/agora"
done
[[ -x "$agora" ]] || { shout "there is no binary: cargo build --release"; exit 1; }

work=""
started=$SECONDS
not_run=0
javascript_suites=(cli rpc vectors tutorial ethers viem websocket subscriptions)
genlayer_js=(genlayer-js genlayer-js-0.28 genlayer-js-0.27 genlayer-js-0.18 genlayer-js-0.14)
genlayer_py=(genlayer-py-0.8.1 genlayer-py-0.18.0)
gltest=(gltest-0.24.0 gltest-0.29.2 gltest-0.30.0rc2)
suite_seconds_max=900
# Nothing here speaks to anything but this machine.
export NO_PROXY="127.0.0.1,localhost" no_proxy="127.0.0.1,localhost"
export PYTHONPYCACHEPREFIX="$cache/bytecode"

clean_up() {
    trap - EXIT
    # shellcheck disable=SC2046  # one word per process
    end $(jobs -rp)
    rm -rf "$work"
}
# cannot <what does not run>: a failure in CI, a loud word elsewhere.
cannot() {
    shout "NOT RUN: $1"
    if in_ci; then
        not_run=$((not_run + 1))
    fi
}

is_wanted() {
    local word
    [[ ${#wanted[@]} -gt 0 ]] || return 0
    for word in "${wanted[@]}"; do
        [[ "$1" != *"$word"* ]] || return 0
    done
    return 1
}

# start_network <folder> <options…>: sets `url` and `server`, once the network says it is healthy.
start_network() {
    local folder="$1" banner="$1/banner" tries=0
    shift
    mkdir -p "$folder"
    : >"$banner"
    # Appeals need validators that have no seat yet, and finality should come while a test waits.
    (cd "$folder" && exec env RUST_LOG=warn "$agora" serve --data-dir "$folder/data" \
        --finality-window 1 --validators 20 "$@" >"$banner" 2>"$folder/agora.log") &
    server=$!
    until url="$(grep -om1 'http://[0-9.:]*' "$banner")" &&
        "$agora" health --url "$url" >/dev/null 2>&1; do
        if ! kill -0 "$server" 2>/dev/null || ((tries++ >= 600)); then
            echo "the network does not start:" && cat "$folder/agora.log"
            return 1
        fi
        # A pause without a process of its own; the loop above is what waits.
        read -rt 0.05 <> <(:) || true
    done
}

# Prints how many tests passed and failed, from what node's or pytest's runner said at its end. What
# was skipped has failed: a suite leaves out what its client does not have.
counts() {
    awk '
        /^ℹ pass / { passed += $3 }
        /^ℹ (fail|cancelled|skipped|todo) / { failed += $3 }
        /^(=+ )?[0-9]+ (passed|failed|error|skipped).* in [0-9.]+s/ {
            for (field = 2; field <= NF; field++) {
                if ($field ~ /^passed/) passed += $(field - 1)
                if ($field ~ /^(failed|error|skipped|xfailed|xpassed)/) failed += $(field - 1)
            }
        }
        END { print passed + 0, failed + 0 }' "$1"
}

# end <process…>: asks each to end, and waits until it has.
end() {
    local process
    for process in "$@"; do
        kill -TERM "$process" 2>/dev/null || true
        wait "$process" 2>/dev/null || true
    done
}

# suite_in_its_network <name> <options of the network> <command…>, in a process of its own.
suite_in_its_network() {
    local name="$1" options="$2" folder="$work/$1" begun=$SECONDS code=0 passed=0 failed=0
    shift 2
    server="" client=""
    trap 'end $client $server' EXIT
    trap 'exit 143' TERM INT
    mkdir -p "$folder"
    # shellcheck disable=SC2086  # options are words
    if start_network "$folder" $options >"$folder/output"; then
        AGORA_URL="$url" SUITE_FOLDER="$folder" timeout --kill-after=10 "$suite_seconds_max" "$@" \
            >>"$folder/output" 2>&1 </dev/null &
        client=$!
        # Unlike a command in the foreground, this is left at once when the run is interrupted.
        wait "$client" || code=$?
        client=""
        read -r passed failed < <(counts "$folder/output")
    else
        code=1
    fi
    if ((code != 0 && failed == 0)) || ((passed + failed == 0)); then
        failed=$((failed + 1))
    fi
    echo "$passed $failed" >"$folder/counts"
    printf '%-20s %4d s  %d passed, %d failed\n' "$name" $((SECONDS - begun)) "$passed" "$failed" \
        >"$folder/line"
    # One suite at a time says what it has to say.
    flock "$work" bash -c 'printf "\n==> "; cat "$0/line"; if grep -qv " 0 failed$" "$0/line"; then
        cat "$0/output"; grep -hE "WARN|ERROR|panic" "$0/agora.log" | tail -n 20 || true; fi' "$folder"
}

# suite <name> <options of the network> <command…>: as many at once as there are processors.
suite() {
    is_wanted "$1" || return 0
    while (($(jobs -rp | wc -l) >= $(nproc))); do
        wait -n || true
    done
    suite_in_its_network "$@" &
}

run_javascript() {
    local package="$1" file="$2"
    cd "$cache/javascript/suites"
    GENLAYER_JS="$package" exec node --test-reporter=spec "js/$file.test.mjs"
}

run_python() {
    local environment="$1"
    shift
    cd "$clients/py"
    # gltest is a plugin of pytest: what it adds is for its own suite.
    PYTHONPATH="$cache/python-clients/$environment" exec "$cache/python/bin/python" -m pytest -q --tb=short -p no:cacheprovider \
        -p no:gltest -p no:gltest_direct "$@"
}

# run_gltest <environment> <options…>: in a copy, because gltest writes artifacts into its folder.
run_gltest() {
    local packages="$cache/python-clients/$1"
    shift
    cp -R "$clients/gltest" "$clients/contracts" "$SUITE_FOLDER/"
    cd "$SUITE_FOLDER/gltest"
    PYTHONPATH="$packages" exec "$packages/bin/gltest" -q --tb=short -p no:cacheprovider "$@"
}

# `timeout` runs programs, so the functions above are called through this.
if [[ "${1:-}" == --run ]]; then
    "run_$2" "${@:3}"
fi
run=("$BASH" "${BASH_SOURCE[0]}" --run)
work="$(mktemp -d)"
trap clean_up EXIT
trap 'exit 130' INT TERM

say "Clients: installing"
(install_javascript && touch "$work/javascript") &
python_ready=()
if find_python && install_python; then
    note "Python: $python"
    for environment in "${genlayer_py[@]}" "${gltest[@]}"; do
        is_wanted "$environment" || is_wanted "$environment-project" ||
            is_wanted "$environment-leader" || continue
        if install_python_client "$environment"; then
            python_ready+=("$environment")
        else
            cannot "$environment: pip cannot install it"
        fi
    done
else
    cannot "the Python clients: they need Python $python_wanted or newer"
fi
wait
[[ -e "$work/javascript" ]] || cannot "the JavaScript clients: node and npm are needed"
note "installed in $((SECONDS - started)) s"

port_is_free() {
    python3 -c 'import socket, sys
with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    probe.bind(("127.0.0.1", int(sys.argv[1])))' "$1" 2>/dev/null
}

say "Clients: running, with $agora"
if [[ -e "$work/javascript" ]]; then
    for file in "${javascript_suites[@]}"; do
        options="--port 0"
        if [[ "$file" == cli ]]; then
            # Its validator commands know no other port.
            if ! port_is_free 4000; then
                cannot "the genlayer command: it needs port 4000, which is taken"
                continue
            fi
            options="--port 4000"
        fi
        suite "$file" "$options" "${run[@]}" javascript genlayer-js "$file"
    done
    for package in "${genlayer_js[@]}"; do
        # The oldest compares the network's id with the one it knows.
        options="--port 0"
        [[ "$package" != genlayer-js-0.14 ]] || options+=" --chain-id 61999"
        suite "$package" "$options" "${run[@]}" javascript "$package" genlayer_js
    done
fi
for environment in ${python_ready[@]+"${python_ready[@]}"}; do
    files=(test_genlayer_py.py test_sim_config.py)
    case "$environment" in
    genlayer-py-0.8.1) files=(test_genlayer_py.py) ;;
    genlayer-py-0.18.0) files+=(test_web3.py test_tutorial.py) ;;
    esac
    suite "$environment" "--port 0" "${run[@]}" python "$environment" "${files[@]}"
done
for environment in ${python_ready[@]+"${python_ready[@]}"}; do
    [[ "$environment" == gltest-* ]] || continue
    suite "$environment-project" "--port 0" "${run[@]}" gltest "$environment" --network ours tests
    suite "$environment-leader" "--port 0" "${run[@]}" gltest "$environment" --network ours --leader-only \
        tests/test_leader_only.py
done
wait

say "Clients: summary ($((SECONDS - started)) s)"
compgen -G "$work/*/line" >/dev/null || { shout "no suite is named so: $*"; exit 1; }
cat "$work"/*/line | sort
awk -v not_run="$not_run" '{ passed += $1; failed += $2 } END { failed += not_run
    printf "%d passed, %d failed\n", passed, failed; exit failed != 0 || passed == 0 }' "$work"/*/counts

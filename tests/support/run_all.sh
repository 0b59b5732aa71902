#!/usr/bin/env bash
# Everything there is to test, as one command: `make test`, and so CI.
#
# Installs the Debian packages that are missing, starts what the tests need (a private PostgreSQL,
# a Docker engine if none answers), ends it again, and closes with "N passed, N failed".
# With CI=true whatever cannot run is a failure; elsewhere it is said loudly.
set -euo pipefail
# shellcheck source=tests/support/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"
# shellcheck source=tests/support/postgres.sh
source "$repository_root/tests/support/postgres.sh"
# shellcheck source=tests/support/docker_engine.sh
source "$repository_root/tests/support/docker_engine.sh"
cd "$repository_root"

work="$(mktemp -d)"
passed=0
failed=0
summary=()

clean_up() {
    trap - EXIT
    stop_postgres
    stop_docker_engine
    rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT TERM

# Nothing here is compiled twice with the same sources, so incremental state would be written for
# nobody. A developer's next build does want it.
if in_ci; then
    export CARGO_INCREMENTAL=0
fi

record() { summary+=("$(printf '%-10s %4d s  %s' "$1" "$2" "$3")"); }

# step <name> <command…>: something that either works or fails the run.
step() {
    local name="$1" started=$SECONDS
    shift
    say "$name: $*"
    if "$@"; then
        record "$name" $((SECONDS - started)) ok
    else
        failed=$((failed + 1))
        record "$name" $((SECONDS - started)) FAILED
    fi
}

# suite <name> <command…>: runs tests and adds up what they print, as cargo's harness prints it
# or as our own scripts close. A suite that fails without a failed test (it did not compile, it was
# killed) counts as one failure.
suite() {
    local name="$1" started=$SECONDS code=0 counts suite_passed suite_failed ignored
    shift
    say "$name: $*"
    # A suite's own closing line is shown indented: unindented there is only ours, at the end.
    "$@" 2>&1 | tee "$work/output" | sed -uE 's/^[0-9]+ passed, [0-9]+ failed$/    &/' ||
        code=${PIPESTATUS[0]}
    counts="$(awk '
        /^test result: / { passed += $4; failed += $6; ignored += $8 }
        /^[0-9]+ passed, [0-9]+ failed$/ { passed += $1; failed += $3 }
        END { print passed + 0, failed + 0, ignored + 0 }' "$work/output")"
    read -r suite_passed suite_failed ignored <<<"$counts"
    if ((code != 0 && suite_failed == 0)); then
        suite_failed=1
    elif ((code == 0 && suite_passed + suite_failed == 0)); then
        shout "$name ran no test"
        suite_failed=1
    fi
    ((ignored == 0)) || shout "$name: $ignored tests are marked as ignored and did not run"
    passed=$((passed + suite_passed))
    failed=$((failed + suite_failed))
    record "$name" $((SECONDS - started)) "$suite_passed passed, $suite_failed failed"
}

# cannot <name> <what does not run>: a failure in CI, a loud word elsewhere.
cannot() {
    shout "$1: $2"
    if in_ci; then
        failed=$((failed + 1))
        record "$1" 0 "FAILED: could not run"
    else
        record "$1" 0 "NOT RUN"
    fi
}

declares_bench() { cargo read-manifest | grep -q "\"kind\":\[\"bench\"\][^}]*\"name\":\"$1\""; }

# The image's build stage has compiled every dependency as this machine would: same sources, same
# toolchain, same profile, same path of cargo's home (base_images.sh). Taking its artefacts spares a
# second release build. Cargo judges by itself which of them are fresh, so where that does not hold,
# as with genuine base images, the next step takes longer and is as right.
take_release_artefacts() {
    local container
    container="$(docker create agora:smoke-build)"
    mkdir -p target/release
    docker cp --archive "$container:/build/target/release/." target/release/
    docker rm "$container" >/dev/null
    # Its build script writes absolute paths, those of the image, into what it generates.
    rm -rf target/release/{build,.fingerprint}/utoipa-swagger-ui-*
    if [[ $EUID -ne 0 ]]; then
        as_root chown -R "$(id -u):$(id -g)" target/release
    fi
}

say "What this does"
cat <<'TEXT'
    Installs what is missing of: gcc libc6-dev curl python3 postgresql docker.io debootstrap chromium
    nodejs npm, and below target/clients the published clients of GenLayer from npm and PyPI.
    Lints, then runs every test against SQLite and a PostgreSQL of its own, breaks rules of the
    protocol to see them caught, builds the image and uses it, simulates some hundred networks, takes
    quick benchmarks, and drives every client against it. What it starts it also ends.
TEXT
if ! install_packages gcc libc6-dev curl python3 chromium; then
    cannot packages "what is missing above may make later steps fail"
fi

step format cargo fmt --check

# First the image: what its build stage compiles is what everything below builds on.
if start_docker_engine; then
    suite docker tests/docker/smoke.sh
    if docker image inspect agora:smoke-build >/dev/null 2>&1; then
        step artefacts take_release_artefacts
    fi
else
    cannot docker "Docker cannot run here: the image is not tested"
fi

# Our own crate as `cargo test` alone would build it, on the dependencies of the release build.
own=(--config tests/support/on_release_dependencies.toml)
step clippy cargo clippy "${own[@]}" --release --quiet --all-targets --locked -- -D warnings
step doc env RUSTDOCFLAGS="-D warnings" \
    cargo doc "${own[@]}" --release --quiet --no-deps --document-private-items --locked

if ! start_postgres; then
    cannot postgres "PostgreSQL cannot run here: the tests use SQLite only"
fi
suite cargo cargo test "${own[@]}" --release --no-fail-fast --locked

# Builds our own crate once per broken rule.
suite mutations python3 tests/mutations/run.py

step release cargo build --quiet --release --locked
export AGORA_BIN="$repository_root/target/release/agora"
step simulate "$AGORA_BIN" simulate tests/scenarios/*.toml --seeds 1..21
if declares_bench theory; then
    step theory cargo bench --locked --bench theory
fi
if declares_bench contracts; then
    step executions cargo bench --locked --bench contracts -- --quick
fi
if declares_bench rpc; then
    step requests cargo bench --locked --bench rpc -- --quick
fi
if declares_bench whole_path; then
    # The profile of `cargo bench` is the release profile: only the bench itself is compiled.
    step bench cargo bench --locked --bench whole_path -- --quick
fi
if [[ -e tests/quickstart/run.sh ]]; then
    suite quickstart bash tests/quickstart/run.sh
fi
# The clients people use, at pinned versions from npm and PyPI.
suite clients bash tests/clients/run.sh

clean_up
say "Summary ($((SECONDS / 60)) min $((SECONDS % 60)) s)"
printf '    %s\n' "${summary[@]}"
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]

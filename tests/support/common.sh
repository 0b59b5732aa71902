# Shared by the test scripts; source it. Nothing here runs a test.
# shellcheck shell=bash

# shellcheck disable=SC2034  # for those who source it
repository_root="$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"

say() { printf '\n==> %s\n' "$*"; }
note() { printf '    %s\n' "$*"; }
shout() { printf '\n!!! %s\n' "$*" >&2; }

# In CI everything must run: what is merely missing on a developer's machine is a failure there.
in_ci() { [[ "${CI:-false}" == true ]]; }

have() { command -v "$1" >/dev/null 2>&1; }

# Runs a command as root: directly, or through sudo where that asks for no password.
as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    else
        sudo -n "$@"
    fi
}

can_be_root() { [[ $EUID -eq 0 ]] || { have sudo && sudo -n true 2>/dev/null; }; }

# Installs those of the named Debian packages that are missing; fails when it cannot.
install_packages() {
    local package missing=()
    for package in "$@"; do
        if ! dpkg-query --show --showformat '${db:Status-Status}' "$package" 2>/dev/null |
            grep -qx installed; then
            missing+=("$package")
        fi
    done
    [[ ${#missing[@]} -eq 0 ]] && return 0
    if ! have apt-get || ! can_be_root; then
        shout "Missing: ${missing[*]}. Install them, for instance: sudo apt-get install ${missing[*]}"
        return 1
    fi
    note "installing the Debian packages ${missing[*]}"
    as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive \
            apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# A loopback TCP port nobody listens on. Freed before it is used, so a caller must cope with a
# rare thief; in practice the kernel walks through its range before it hands a port out again.
free_port() {
    python3 - <<'PYTHON'
import socket
with socket.socket() as probe:
    probe.bind(("127.0.0.1", 0))
    print(probe.getsockname()[1])
PYTHON
}

# Ends one process by its id: SIGTERM (or the signal named), then SIGKILL after the grace.
stop_process() {
    local pid="$1" grace_seconds="${2:-15}" signal="${3:-TERM}" waited=0
    as_root kill -s "$signal" "$pid" 2>/dev/null || return 0
    while as_root kill -0 "$pid" 2>/dev/null; do
        if ((waited++ >= grace_seconds * 10)); then
            shout "process $pid ignored SIG$signal for ${grace_seconds} s and is killed"
            as_root kill -KILL "$pid" 2>/dev/null || true
            return 0
        fi
        sleep 0.1
    done
}

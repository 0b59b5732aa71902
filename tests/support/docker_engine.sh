# A Docker engine for the tests: the one that answers already, or one of our own that is stopped
# again by its process id. Source it after common.sh.
# shellcheck shell=bash

docker_engine_pid=""
docker_engine_log=""

start_docker_engine() {
    if docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then
        note "using the Docker engine that is running"
        return 0
    fi
    install_packages docker.io || return 1
    if docker version --format '{{.Server.Version}}' >/dev/null 2>&1; then
        # Where an init system runs, installing the package starts the engine.
        return 0
    fi
    if ! can_be_root; then
        shout "No Docker engine answers, and starting one needs root."
        return 1
    fi
    docker_engine_log="$(mktemp)"
    note "no Docker engine answers: starting one (log: $docker_engine_log)"
    # The pid is written by a shell that then becomes the engine, so it is the engine's own even
    # through sudo. It leads its own session: Ctrl-C must reach our trap, not the engine.
    local pid_file
    pid_file="$(mktemp)"
    # shellcheck disable=SC2016  # expanded by the inner shell
    as_root setsid bash -c 'echo $$ >"$1"; exec dockerd' _ "$pid_file" \
        >"$docker_engine_log" 2>&1 </dev/null &
    local waited=0
    until docker version --format '{{.Server.Version}}' >/dev/null 2>&1; do
        docker_engine_pid="$(cat "$pid_file")"
        if ((waited++ >= 300)) || { [[ -n "$docker_engine_pid" ]] &&
            ! as_root kill -0 "$docker_engine_pid" 2>/dev/null; }; then
            rm -f "$pid_file"
            shout "The Docker engine did not start:"
            tail -n 20 "$docker_engine_log" >&2
            stop_docker_engine
            return 1
        fi
        sleep 0.1
    done
    docker_engine_pid="$(cat "$pid_file")"
    rm -f "$pid_file"
}

stop_docker_engine() {
    [[ -n "$docker_engine_pid" ]] || return 0
    note "stopping the Docker engine started above (pid $docker_engine_pid)"
    stop_process "$docker_engine_pid" 30
    docker_engine_pid=""
    rm -f "$docker_engine_log"
}

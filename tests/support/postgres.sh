# A private PostgreSQL for the tests: its own cluster in a temporary directory, on a free loopback
# port, with a password of its own; gone with everything in it at the end. Source it after common.sh.
# shellcheck shell=bash

postgres_directory=""
postgres_programs=""

# PostgreSQL refuses to run as root.
as_postgres() {
    if [[ $EUID -eq 0 ]]; then
        (cd / && runuser -u postgres -- "$@")
    else
        "$@"
    fi
}

# Starts it and exports AGORA_TEST_POSTGRES_URL, an administrator's URL.
start_postgres() {
    install_packages postgresql || return 1
    local newest port password
    newest="$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 -type d | sort -V | tail -n 1)"
    postgres_programs="$newest/bin"
    postgres_directory="$(mktemp -d)"
    port="$(free_port)"
    password="$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')"
    printf '%s' "$password" >"$postgres_directory/password"
    [[ $EUID -ne 0 ]] || chown -R postgres "$postgres_directory"

    # Nothing in it outlives the tests, so nothing waits for the disk.
    local options="-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories=$postgres_directory"
    options+=" -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
    if ! as_postgres "$postgres_programs/initdb" --pgdata="$postgres_directory/data" \
        --username=postgres --auth=scram-sha-256 --pwfile="$postgres_directory/password" \
        --encoding=UTF8 --locale=C --no-sync >"$postgres_directory.log" 2>&1 ||
        ! as_postgres "$postgres_programs/pg_ctl" --pgdata="$postgres_directory/data" --silent \
            --wait --log="$postgres_directory/log" --options="$options" start \
            >>"$postgres_directory.log" 2>&1; then
        shout "PostgreSQL did not start:"
        cat "$postgres_directory.log" >&2
        [[ ! -e "$postgres_directory/log" ]] || tail -n 20 "$postgres_directory/log" >&2
        stop_postgres
        return 1
    fi
    export AGORA_TEST_POSTGRES_URL="postgres://postgres:$password@127.0.0.1:$port/postgres"
    note "PostgreSQL $(basename "$newest") listens on 127.0.0.1:$port"
}

stop_postgres() {
    [[ -n "$postgres_directory" ]] || return 0
    local pid_file="$postgres_directory/data/postmaster.pid"
    if [[ -e "$pid_file" ]]; then
        note "stopping PostgreSQL"
        # SIGINT is its fast shutdown: connections are cut, the cluster is left whole.
        stop_process "$(head -n 1 "$pid_file")" 20 INT
    fi
    rm -rf "$postgres_directory" "$postgres_directory.log"
    postgres_directory=""
}

# Installs the clients below target/, at the versions that package-lock.json and requirements/ pin.
# Sourced by run.sh, after tests/support/common.sh. What is installed already is kept.
# shellcheck shell=bash

clients="$repository_root/tests/clients"
cache="$repository_root/target/clients"
# genlayer-py imports collections.abc.Buffer, which came with this version.
python_wanted="3.12"

# needs_install <folder> <what it depends on…>: whether the folder is missing or made from other files.
needs_install() {
    local folder="$1" wanted
    shift
    wanted="$(cat "$@" | sha256sum)"
    [[ ! -e "$folder/.complete" || "$(<"$folder/.complete")" != "$wanted" ]] || return 1
    rm -rf "$folder"
    mkdir -p "$folder"
}

# is_complete <folder> <what it depends on…>: remembers what the folder was made from.
is_complete() {
    local folder="$1"
    shift
    cat "$@" | sha256sum >"$folder/.complete"
}

install_javascript() {
    local manifest=("$clients/package.json" "$clients/package-lock.json")
    have node && have npm || install_packages nodejs npm || return 1
    if needs_install "$cache/javascript" "${manifest[@]}"; then
        note "installing the JavaScript clients with npm"
        cp "${manifest[@]}" "$cache/javascript/"
        # No package's own script runs: they only build a keychain that a test has no use for. Not
        # `npm ci`: it wants the optional packages of every platform in the lock file, and mirrors
        # do not have them all. The versions and checksums are those of the lock file either way.
        (cd "$cache/javascript" &&
            npm install --no-save --ignore-scripts --no-audit --no-fund --loglevel=error) || return 1
        is_complete "$cache/javascript" "${manifest[@]}"
    fi
    # Node looks for packages beside the file that imports them, so the suites go there.
    rm -rf "$cache/javascript/suites"
    mkdir "$cache/javascript/suites"
    cp -R "$clients"/{js,contracts,data} "$cache/javascript/suites/"
}

# install_python: what all Python clients are built on, in an environment of its own. Bytecode is
# made when it is needed, and kept below target/ too.
install_python() {
    local folder="$cache/python" pins="$clients/requirements/base.txt"
    needs_install "$folder" "$pins" || return 0
    note "installing what the Python clients are built on with pip"
    new_environment "$folder" &&
        "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
            --requirement "$pins" || return 1
    is_complete "$folder" "$pins"
}

# install_python_client <name of a file in requirements/>: the client alone, in a folder that
# PYTHONPATH names, so that its many versions share what they are built on.
install_python_client() {
    local folder="$cache/python-clients/$1" pins="$clients/requirements/$1.txt"
    needs_install "$folder" "$pins" || return 0
    note "installing $1 with pip"
    "$cache/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile \
        --no-deps --target "$folder" --requirement "$pins" || return 1
    is_complete "$folder" "$pins"
}

is_new_enough() {
    "$1" -c "import sys; sys.exit(sys.version_info < (${python_wanted/./, }))" 2>/dev/null
}

# Prints the newest interpreters first: those in PATH, then pyenv's, then one unpacked by us.
python_candidates() {
    local name
    for name in python3.14 python3.13 python3.12 python3; do
        command -v "$name" || true
    done
    if have pyenv; then
        printf '%s\n' "$(pyenv root)"/versions/*/bin/python3
    fi
    printf '%s\n' "$cache"/debian/usr/bin/python3.??
}

# Sets `python` to an interpreter that is new enough, unpacking one where there is none.
find_python() {
    python=""
    local candidate
    while read -r candidate; do
        if [[ -x "$candidate" ]] && is_new_enough "$candidate"; then
            python="$candidate"
        fi
    done < <(python_candidates | tac)
    [[ -z "$python" ]] || return 0
    unpack_python && python="$(printf '%s\n' "$cache"/debian/usr/bin/python3.?? | tail -n 1)" &&
        is_new_enough "$python"
}

# An environment with pip in it. Debian keeps pip apart from venv, as a wheel, which can run itself.
new_environment() {
    if ! "$python" -m venv "$1" >/dev/null 2>&1; then
        local wheel
        wheel="$(find "$cache/debian" /usr/share/python-wheels -name 'pip-*.whl' 2>/dev/null | head -n 1)"
        "$python" -m venv --clear --without-pip "$1" &&
            "$1/bin/python" "$wheel/pip" install --quiet --no-index "$wheel"
    fi
}

# Unpacks the Python of the distribution's next release below target/, with the C library it was
# built for, and installs nothing: for Debian 12 and Ubuntu 22.04, whose own is too old. The
# packages come from the machine's own mirror, and apt checks their signatures.
unpack_python() {
    have apt-get && have dpkg-deb || return 1
    local id suite keyring mirror apt="$cache/apt" root="$cache/debian"
    id="$(. /etc/os-release && echo "$ID")"
    case "$id" in
    debian) suite=trixie keyring=/usr/share/keyrings/debian-archive-keyring.gpg ;;
    ubuntu) suite=noble keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg ;;
    *) return 1 ;;
    esac
    note "no Python from $python_wanted on: unpacking that of $suite"
    mirror="$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | head -n 1)"
    rm -rf "$root" "$apt"
    mkdir -p "$root" "$apt"/{state/lists/partial,cache/archives/partial}
    : >"$apt/status"
    echo "deb [signed-by=$keyring] $mirror $suite main universe" >"$apt/sources.list"
    local private=(-o "Dir::State=$apt/state" -o "Dir::State::status=$apt/status"
        -o "Dir::Cache=$apt/cache" -o "Dir::Etc::SourceList=$apt/sources.list"
        -o Dir::Etc::SourceParts=/dev/null -o APT::Sandbox::User= -o Debug::NoLocking=true)
    apt-get "${private[@]}" -qq update 2>/dev/null || return 1
    apt-get "${private[@]}" -qq install --yes --download-only --no-install-recommends \
        python3-venv patchelf >/dev/null || return 1
    local archive
    for archive in "$apt"/cache/archives/*.deb; do
        dpkg-deb --fsys-tarfile "$archive" | tar --extract --directory "$root" --keep-directory-symlink
    done
    bind_to_own_libraries "$root"
}

# Makes the interpreter below a folder use the loader and the libraries that were unpacked with it.
bind_to_own_libraries() {
    local root="$1" loader libraries python
    loader="$(find "$root" -name 'ld-linux-*.so.*' | head -n 1)"
    libraries="$(dirname "$(find "$root" -name 'libc.so.6' | head -n 1)")"
    python="$(find "$root/usr/bin" -type f -name 'python3.??' | head -n 1)"
    [[ -n "$loader" && -n "$python" ]] || return 1
    local patchelf=("$loader" --library-path "$libraries" "$root/usr/bin/patchelf")
    # Both at once, or in the other order, gives a program that crashes (patchelf 0.18).
    "${patchelf[@]}" --force-rpath --set-rpath "$libraries" "$python" &&
        "${patchelf[@]}" --set-interpreter "$loader" "$python"
}

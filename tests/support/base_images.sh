#!/usr/bin/env bash
# Makes the base images that docker/Dockerfile names, under the very tags it names, out of Debian
# packages and this machine's Rust toolchain: for machines that reach no image registry.
#
#   tests/support/base_images.sh          make what is missing
#   AGORA_BASE_IMAGES=pull …              take the genuine images from their registry instead
#
# An image is made once and kept. The label "agora.stand-in" tells ours from genuine ones; remove
# them with `docker rmi $(docker images -q --filter label=agora.stand-in)`.
#
# How the build reaches crates.io: the toolchain image carries this machine's certificates and, if
# there is one, the cargo configuration; the caller builds with `--network host`. The Dockerfile
# knows of none of this. Cargo's home has the path it has here, because cargo takes a dependency
# compiled from another path for a different one: so run_all.sh can go on with what the image's
# build stage compiled.
set -euo pipefail
# shellcheck source=tests/support/common.sh
source "$(dirname "${BASH_SOURCE[0]}")/common.sh"

dockerfile="$repository_root/docker/Dockerfile"
argument() { sed -n "s/^ARG $1=//p" "$dockerfile" | head -n 1; }

runtime_image="$(argument RUNTIME_IMAGE)"
toolchain_image="$(argument TOOLCHAIN_IMAGE)"
# debian:bookworm-slim → bookworm
suite="${runtime_image#*:}"
suite="${suite%-slim}"

cargo_home="${CARGO_HOME:-$HOME/.cargo}"

work="$(mktemp -d)"
trap 'as_root rm -rf "$work"' EXIT

exists() { docker image inspect "$1" >/dev/null 2>&1; }

# The mirror this machine's own apt uses for the suite; empty leaves debootstrap its default.
mirror() {
    apt-get indextargets --format '$(RELEASE) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null |
        awk -v suite="$suite" '$1 == suite { print $2; exit }'
}

# root_filesystem <directory> <comma-separated extra packages>
root_filesystem() {
    local directory="$1" extra="$2" options=(--variant=minbase "--cache-dir=$work/packages")
    [[ -n "$extra" ]] && options+=("--include=$extra")
    mkdir -p "$work/packages"
    local from
    from="$(mirror)"
    as_root debootstrap "${options[@]}" "$suite" "$directory" ${from:+"$from"} >"$work/log" 2>&1 || {
        tail -n 20 "$work/log" >&2
        return 1
    }
}

# import <directory> <tag> [docker import options…]
import() {
    local directory="$1" tag="$2"
    shift 2
    as_root tar --directory "$directory" --create --exclude='./proc/*' --exclude='./sys/*' \
        --exclude='./dev/*' --exclude='./var/cache/apt/archives/*.deb' \
        --exclude='./usr/share/doc/*' . |
        docker import --change 'LABEL agora.stand-in=true' "$@" - "$tag" >/dev/null
    as_root rm -rf "$directory"
}

make_runtime_image() {
    root_filesystem "$work/runtime" ""
    import "$work/runtime" "$runtime_image" --change 'CMD ["bash"]'
}

make_toolchain_image() {
    local root="$work/toolchain" sysroot triple
    root_filesystem "$root" "gcc,libc6-dev,pkg-config,ca-certificates"
    # This machine's trust, so that cargo inside the build believes what cargo outside believes.
    as_root cp --dereference /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"

    # Only what compiling for this machine takes: rustup's toolchains carry documentation, sources
    # and other targets, four times the size.
    sysroot="$(cd "$repository_root" && rustc --print sysroot)"
    triple="$(cd "$repository_root" && rustc -vV | sed -n 's/^host: //p')"
    as_root mkdir -p "$root$cargo_home" "$root/usr/local/lib/rustlib"
    as_root cp --dereference "$sysroot/bin/cargo" "$sysroot/bin/rustc" "$root/usr/local/bin/"
    as_root cp --archive --dereference "$sysroot"/lib/*.so* "$root/usr/local/lib/"
    as_root cp --archive "$sysroot/lib/rustlib/$triple" "$root/usr/local/lib/rustlib/"
    if [[ -f "$cargo_home/config.toml" ]]; then
        as_root cp "$cargo_home/config.toml" "$root$cargo_home/config.toml"
    fi
    import "$root" "$toolchain_image" --change 'CMD ["bash"]' \
        --change "ENV CARGO_HOME=$cargo_home" \
        --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
        --change 'ENV SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt'
}

for kind in runtime toolchain; do
    tag_variable="${kind}_image"
    tag="${!tag_variable}"
    if exists "$tag"; then
        note "$tag is there"
    elif [[ "${AGORA_BASE_IMAGES:-make}" == pull ]]; then
        docker pull "$tag"
    else
        install_packages debootstrap
        started=$SECONDS
        "make_${kind}_image"
        note "$tag made in $((SECONDS - started)) s ($(docker image inspect --format '{{.Size}}' "$tag" |
            awk '{ printf "%d MB", $1 / 1000000 }'))"
    fi
done

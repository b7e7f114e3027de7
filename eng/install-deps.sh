#!/usr/bin/env bash
# Installs what the programs need and this machine lacks, from Debian's packages; with the word "tests" also what only tests
# use: a peer to try the specs on, other tools for images, and shells. Starts no service.
set -euo pipefail

packages=(crun runc containernetworking-plugins catatonit iptables iproute2 busybox-static nginx-light docker-registry e2fsprogs
    clang zlib1g-dev util-linux curl)
[ "${1:-}" != tests ] || packages+=(containerd skopeo umoci fish zsh)
missing=()
for package in "${packages[@]}"; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
    echo "gantry needs these packages: ${missing[*]}; run as root, or install them: apt-get install ${missing[*]}" >&2
    exit 1
fi
echo "installing: ${missing[*]}"
# Debian's maintainer scripts ask this program before they start a service: 101 means no.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' > "$policy"
    chmod 0755 "$policy"
    trap 'rm -f "$policy"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
apt-get install -y -q --no-install-recommends "${missing[@]}" > /dev/null 2>&1 || {
    apt-get update -q > /dev/null
    apt-get install -y -q --no-install-recommends "${missing[@]}" > /dev/null
}

#!/bin/sh
# Brings programs that no Python package has, and the libraries they need that this system lacks, from the distribution's
# packages into a folder of their own: without root, nothing is installed. Running it again does nothing.
#
#   sh tests/from_debian.sh FOLDER PACKAGE...
set -eu

folder=${1:?"which folder, and which packages?"}
shift

fail() {
    echo "from_debian.sh: $*" >&2
    exit 1
}

read -r brought 2>/dev/null <"$folder/complete" && [ "$brought" = "$*" ] && exit 0
for tool in apt-get apt-cache dpkg; do
    command -v "$tool" >/dev/null ||
        fail "$tool was not found; this needs Debian or Ubuntu. Elsewhere, install these yourself: $*"
done
for package in "$@"; do
    apt-cache show "$package" >/dev/null 2>&1 ||
        fail "apt knows no package $package: its lists are missing or old. Run this once, as root: apt-get update"
done

installed=$(dpkg-query -W -f '${db:Status-Abbrev}${Package}\n' | sed -n 's/^ii //p')
libraries=$(apt-cache depends --recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces \
    --no-enhances "$@" | sed -n 's/^\(lib[a-z0-9][^ :]*\)$/\1/p' | sort -u |
    grep -v -x -F -e "$installed" | grep -v -E '^libc(6|-bin)?$|^libpam|^libaprutil1-dbd|-perl$' || true)

rm -rf "$folder"
mkdir -p "$folder/packages"
root=$(cd "$folder" && pwd)
# shellcheck disable=SC2086  # a list of names
(cd "$root/packages" && apt-get download -qq -o "APT::Sandbox::User=$(id -un)" "$@" $libraries) ||
    fail "the packages could not be downloaded; see apt's message above. Old lists are a common cause: apt-get update"
for package in "$root"/packages/*.deb; do
    dpkg -x "$package" "$root"
done
rm -r "$root/packages"
echo "$*" >"$root/complete"

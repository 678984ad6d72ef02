#!/bin/sh
# Brings HAProxy and Apache, which no Python package has, from the distribution's packages into a folder of their own
# (default build/gateways), for the tests that let real servers write logs: without root, nothing is installed. Running it
# again does nothing.
set -eu

folder=${1:-build/gateways}
packages="haproxy apache2-bin"

fail() {
    echo "from_debian.sh: $*" >&2
    exit 1
}

[ -e "$folder/complete" ] && exit 0
for tool in apt-get apt-cache dpkg; do
    command -v "$tool" >/dev/null || fail "$tool was not found; this needs Debian or Ubuntu."
done
for package in $packages; do
    apt-cache show "$package" >/dev/null 2>&1 ||
        fail "apt knows no package $package: its lists are missing or old. Run this once, as root: apt-get update"
done

# The C library and what every system has is left alone.
options="--recurse --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances"
# shellcheck disable=SC2086  # lists of options and of names
libraries=$(apt-cache depends $options $packages | sed -n 's/^\(lib[a-z0-9][^ :]*\)$/\1/p' |
    grep -E '^lib(apr|aprutil|lua|opentracing|pcre2|nghttp2|brotli|curl|jansson|ldap|xml2|icu|rtmp|ssh2|psl|sasl)' | sort -u)

mkdir -p "$folder/packages"
# shellcheck disable=SC2086
(cd "$folder/packages" && apt-get download -qq -o "APT::Sandbox::User=$(id -un)" $packages $libraries) ||
    fail "the packages could not be downloaded; see apt's message above. Old lists are a common cause: apt-get update"
for package in "$folder"/packages/*.deb; do
    dpkg -x "$package" "$folder"
done
rm -r "$folder/packages"
touch "$folder/complete"

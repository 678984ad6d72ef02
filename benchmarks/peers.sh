#!/bin/sh
# Brings the programs that `make bench` compares with, GoAccess and ripgrep, from the distribution's packages into a
# folder of their own (default build/peers): without root, nothing is installed. Running it again does nothing.
set -eu

peers=${1:-build/peers}
programs="goaccess ripgrep"

fail() {
    echo "peers.sh: $*" >&2
    exit 1
}

works() {
    [ -x "$peers/bin/goaccess" ] && "$peers/bin/goaccess" --version >/dev/null 2>&1 &&
        [ -x "$peers/bin/rg" ] && "$peers/bin/rg" --version >/dev/null 2>&1
}

say_versions() {
    "$peers/bin/goaccess" --version | sed -n '1s/[. ]*$//p'
    "$peers/bin/rg" --version | sed -n 1p
}

if works; then
    say_versions
    exit 0
fi

for tool in apt-get apt-cache dpkg; do
    command -v "$tool" >/dev/null || fail "$tool was not found; this needs Debian or Ubuntu. Elsewhere, install goaccess and ripgrep yourself: the bench takes them from the PATH."
done
for program in $programs; do
    apt-cache show "$program" >/dev/null 2>&1 ||
        fail "apt knows no package $program: its lists are missing or old. Run this once, as root: apt-get update"
done

# What every Debian has is left alone: the C library must be the system's own.
libraries=$(apt-cache depends --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces --no-enhances $programs |
    sed -n 's/^ *Depends: \([a-z0-9][^ ]*\)$/\1/p' | grep -v -e '^libc6$' -e '^libgcc' -e '^gcc-' -e '^debconf' | sort -u)

rm -rf "$peers"
mkdir -p "$peers/packages" "$peers/bin"
root=$(cd "$peers" && pwd)
# shellcheck disable=SC2086  # lists of package names
(cd "$peers/packages" && apt-get download -qq -o "APT::Sandbox::User=$(id -un)" $programs $libraries) ||
    fail "the packages could not be downloaded; see apt's message above. Old lists are a common cause; as root: apt-get update"
for package in "$peers"/packages/*.deb; do
    dpkg -x "$package" "$root"
done
rm -r "$peers/packages"

folders=$(find "$root/usr/lib" "$root/lib" -name '*.so*' -exec dirname {} + 2>/dev/null | sort -u | paste -s -d : -)
for program in goaccess rg; do
    cat >"$root/bin/$program" <<WRAPPER
#!/bin/sh
LD_LIBRARY_PATH="$folders" exec "$root/usr/bin/$program" "\$@"
WRAPPER
    chmod +x "$root/bin/$program"
done

works || fail "goaccess or rg does not start. Try: $peers/bin/goaccess --version; $peers/bin/rg --version"
say_versions

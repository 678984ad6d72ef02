#!/bin/sh
# Brings the programs that `make bench` compares with, GoAccess and ripgrep, into a folder of their own (default
# build/peers), from where they start with their libraries. Running it again does nothing.
set -eu

peers=${1:-build/peers}

works() {
    [ -x "$peers/bin/goaccess" ] && "$peers/bin/goaccess" --version >/dev/null 2>&1 &&
        [ -x "$peers/bin/rg" ] && "$peers/bin/rg" --version >/dev/null 2>&1
}

if ! works; then
    /bin/sh "${0%/*}/../tests/from_debian.sh" "$peers" goaccess ripgrep
    root=$(cd "$peers" && pwd)
    folders=$(find "$root" -name '*.so*' -exec dirname {} + 2>/dev/null | sort -u | paste -s -d : -)
    mkdir -p "$root/bin"
    for program in goaccess rg; do
        cat >"$root/bin/$program" <<WRAPPER
#!/bin/sh
LD_LIBRARY_PATH="$folders" exec "$root/usr/bin/$program" "\$@"
WRAPPER
        chmod +x "$root/bin/$program"
    done
    if ! works; then
        echo "peers.sh: goaccess or rg does not start. Try: $peers/bin/goaccess --version; $peers/bin/rg --version" >&2
        exit 1
    fi
fi
"$peers/bin/goaccess" --version | sed -n '1s/[. ]*$//p'
"$peers/bin/rg" --version | sed -n 1p

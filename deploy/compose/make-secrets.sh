#!/bin/sh
# Invents the passwords that docker-compose.yml mounts as secrets. Existing ones stay: Postgres keeps the first it saw.
set -eu
cd "$(dirname "$0")"

# Compose mounts the files with the permissions they have here, and log-sentinel reads them as user 10001.
# So the files may be read by all, and the folder around them by nobody else.
mkdir -p secrets
chmod 0700 secrets

invented() {
    od -An -N 24 -tx1 /dev/urandom | tr -d ' \n'
}

if [ -e secrets/postgres_password ]; then
    echo "deploy/compose/secrets: already made; nothing changed." >&2
    exit 0
fi

owner=$(invented)
reader=$(invented)
printf '%s' "$reader" > secrets/postgres_reader_password
printf 'postgresql+psycopg://sentinel:%s@postgres/sentinel' "$owner" > secrets/database_url
printf 'postgresql+psycopg://sentinel_reader:%s@postgres/sentinel' "$reader" > secrets/database_readonly_url
printf '%s' "$(invented)" > secrets/web_token
printf '%s' "$owner" > secrets/postgres_password
chmod 0444 secrets/*
echo "deploy/compose/secrets: made. Now: docker compose up --build" >&2

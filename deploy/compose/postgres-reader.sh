#!/bin/sh
# Runs once, when Postgres makes its data folder: the role that `log-sentinel sql` queries with. It can read and nothing else.
set -eu
password=$(cat /run/secrets/postgres_reader_password)
psql -v ON_ERROR_STOP=1 -v password="$password" -U "$POSTGRES_USER" -d "$POSTGRES_DB" <<'SQL'
create role sentinel_reader login password :'password';
alter role sentinel_reader set default_transaction_read_only = on;
grant usage on schema public to sentinel_reader;
alter default privileges in schema public grant select on tables to sentinel_reader;
SQL

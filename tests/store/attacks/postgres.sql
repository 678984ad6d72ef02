-- One attack a line, by the role that reads.
INSERT INTO leases VALUES ('detect', 'me', 9, now())
UPDATE denials SET cause = 'unknown'
DELETE FROM denials
TRUNCATE denials
WITH gone AS (DELETE FROM denials RETURNING *) SELECT * FROM gone
SELECT * FROM denials FOR UPDATE
CREATE TABLE evil (x int)
CREATE TEMP TABLE evil AS SELECT * FROM denials
SELECT * INTO TEMP evil FROM denials
DROP TABLE denials
ALTER TABLE denials ADD COLUMN evil int
LOCK TABLE denials IN ACCESS EXCLUSIVE MODE
COPY denials TO '/tmp/log-sentinel-evil.csv'
COPY denials TO PROGRAM 'touch /tmp/log-sentinel-evil'
COPY denials TO STDOUT
SELECT pg_read_file('/etc/passwd')
SELECT lo_create(0)
SELECT lo_from_bytea(0, 'x')
SELECT lo_import('/etc/passwd')
SELECT nextval('denials_id_seq')
SELECT setval('denials_id_seq', 1)
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'postgres'
SELECT pg_reload_conf()
SELECT set_config('transaction_read_only', 'off', true)
SET transaction_read_only = off
COMMIT
COMMIT; DROP TABLE denials
SELECT 1; SELECT 2
DO $$ BEGIN DELETE FROM denials; END $$
SET ROLE postgres
CREATE EXTENSION dblink
GRANT ALL ON denials TO PUBLIC
SELECT set_config('statement_timeout', '0', false), pg_sleep(60)
SELECT count(*) FROM generate_series(1, 1000000000000)
nonsense

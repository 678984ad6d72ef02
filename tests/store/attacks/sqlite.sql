-- One attack a line: what was possible on a read-only connection, or would hurt the host.
INSERT INTO silences DEFAULT VALUES
UPDATE denials SET cause = 'unknown'
DELETE FROM denials
REPLACE INTO leases VALUES ('detect', 'me', 9, '')
WITH old AS (SELECT id FROM denials) DELETE FROM denials WHERE id IN old
WITH gone AS (SELECT 1) INSERT INTO leases SELECT 'a', 'b', 1, 'c'
DELETE FROM denials RETURNING *
CREATE TABLE evil (x)
CREATE TEMP TABLE evil (x)
CREATE TEMP VIEW evil AS SELECT 1
CREATE TEMP TRIGGER evil AFTER INSERT ON denials BEGIN SELECT 1; END
CREATE VIRTUAL TABLE evil USING fts5(x)
CREATE VIRTUAL TABLE temp.evil USING rtree(a, b, c)
CREATE INDEX evil ON denials (path)
DROP TABLE denials
DROP VIEW open_incidents
ALTER TABLE denials RENAME TO evil
ALTER TABLE denials ADD COLUMN evil
ATTACH 'evil.db' AS evil
ATTACH 'file:evil.db?mode=rwc' AS evil
ATTACH ':memory:' AS evil
DETACH main
VACUUM
VACUUM INTO 'evil.db'
VACUUM main INTO '/tmp/log-sentinel-evil.db'
REINDEX
ANALYZE
BEGIN EXCLUSIVE
COMMIT
ROLLBACK
SAVEPOINT evil
PRAGMA query_only = OFF
PRAGMA journal_mode = DELETE
PRAGMA writable_schema = ON
PRAGMA wal_checkpoint(TRUNCATE)
PRAGMA user_version = 7
PRAGMA temp_store_directory = '/tmp'
PRAGMA database_list
SELECT * FROM pragma_database_list
SELECT * FROM pragma_table_info('denials')
SELECT load_extension('/tmp/evil.so')
SELECT LOAD_EXTENSION('/tmp/evil.so', 'init')
SELECT writefile('evil.txt', 'x')
SELECT readfile('/etc/passwd')
SELECT edit('x', 'vi')
SELECT fts3_tokenizer('simple')
SELECT fts3_tokenizer('simple', x'0000000000000000')
SELECT 1; DELETE FROM denials
SELECT 1; SELECT 2
EXPLAIN DELETE FROM denials
WITH RECURSIVE bomb(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM bomb) SELECT count(*) FROM bomb
WITH RECURSIVE bomb(s) AS (SELECT 'x' UNION ALL SELECT s || s FROM bomb) SELECT length(s) FROM bomb
SELECT count(*) FROM denials a, denials b, denials c, denials d, denials e, denials f, denials g, denials h, denials i, denials j, denials k, denials l, denials m, denials n, denials o, denials p, denials q, denials r
SELECT zeroblob(2000000000)
SELECT hex(zeroblob(200000000))
SELECT randomblob(999999999)
SELECT printf('%.*c', 2000000000, 'x')
SELECT replace(hex(zeroblob(4000000)), '00', 'xxxxxxxx')
SELECT group_concat(x) FROM (WITH RECURSIVE r(x) AS (SELECT hex(randomblob(1000000)) UNION ALL SELECT hex(randomblob(1000000)) FROM r) SELECT x FROM r)
WITH RECURSIVE r(x) AS (SELECT hex(randomblob(3000000)) UNION ALL SELECT hex(randomblob(3000000)) FROM r) SELECT x FROM r ORDER BY x
SELECT abs(-9223372036854775808)
nonsense

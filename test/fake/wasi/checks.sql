-- SQLite on Karyon: what it prints is in sqlite.test.ts.
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, price REAL CHECK (price >= 0), data BLOB);
INSERT INTO item(name, price) VALUES ('apple', 0.5), ('pear', 0.75), ('plum', 0.2);
BEGIN;
INSERT INTO item(name, price) VALUES ('lost', 9);
UPDATE item SET price = price * 2;
SELECT 'within', count(*), sum(price) FROM item;
ROLLBACK;
SELECT 'rolled back', count(*), sum(price) FROM item;
BEGIN;
SAVEPOINT one;
DELETE FROM item;
ROLLBACK TO one;
INSERT INTO item(name, price, data) VALUES ('quince', 1.25, x'00ff');
COMMIT;
SELECT id, name, price, hex(data) FROM item ORDER BY price DESC;
-- More than the page cache has room for, so that the transaction spills.
PRAGMA cache_size = 50;
CREATE TABLE number(n INTEGER, square INTEGER, text TEXT);
INSERT INTO number WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 20000)
  SELECT n, n * n, printf('%08x', (n * 2654435761) & 4294967295) FROM c;
CREATE INDEX number_text ON number(text);
SELECT 'numbers', count(*), sum(square), min(text), max(text) FROM number;
SELECT 'indexed', n FROM number WHERE text = printf('%08x', (12345 * 2654435761) & 4294967295);
SELECT 'joined', group_concat(name, '+') FROM (SELECT name FROM item JOIN number ON id = n WHERE square > 1 ORDER BY name);
SELECT 'window', n, sum(n) OVER (ORDER BY n) FROM number LIMIT 3;
SELECT 'json', json_extract('{"a":[1,{"b":"deep"}]}', '$.a[1].b'), json_group_array(name) FROM item;
SELECT 'time', strftime('%Y', 'now') >= '2024', date(86400, 'unixepoch');
DELETE FROM number WHERE n % 2;
VACUUM;
PRAGMA journal_mode = TRUNCATE;
INSERT INTO number VALUES (0, 0, '');
PRAGMA journal_mode = DELETE;
PRAGMA integrity_check;
.backup /tmp/copy.db
ATTACH '/tmp/copy.db' AS copy;
SELECT 'copied', count(*), sum(n) FROM copy.number;
.print end of the checks
.bail on
INSERT INTO item(name, price) VALUES ('apple', 1);
.print not reached

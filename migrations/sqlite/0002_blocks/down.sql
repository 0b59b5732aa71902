DROP TABLE envelopes;
DROP TABLE logs;
DROP INDEX transactions_block;
ALTER TABLE transactions DROP COLUMN block;
DROP TABLE blocks;

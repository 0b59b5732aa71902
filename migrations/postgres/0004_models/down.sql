DROP TABLE run_contexts;
DROP TABLE providers;
ALTER TABLE validators DROP COLUMN models;

DROP TABLE snapshot_chunks;
DROP TABLE snapshots;
DROP TABLE snapshot_counters;

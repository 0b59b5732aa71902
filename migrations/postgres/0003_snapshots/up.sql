-- What survives every restore: counters that only grow, and the snapshots themselves.

CREATE TABLE snapshot_counters (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  -- Grows with every restore; a writer of an earlier one is refused.
  generation BIGINT NOT NULL CHECK (generation >= 0),
  -- The event that told of the last restore; 0 before the first.
  restored_cursor BIGINT NOT NULL CHECK (restored_cursor >= 0),
  -- The newest snapshot ever made: ids are not used twice.
  snapshot_last BIGINT NOT NULL CHECK (snapshot_last >= 0)
);
INSERT INTO snapshot_counters (id, generation, restored_cursor, snapshot_last) VALUES (1, 0, 0, 0);

CREATE TABLE snapshots (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),
  created_at BIGINT NOT NULL,
  transactions BIGINT NOT NULL CHECK (transactions >= 0),
  bytes BIGINT NOT NULL CHECK (bytes >= 0)
);

-- A snapshot's file, in pieces.
CREATE TABLE snapshot_chunks (
  snapshot BIGINT NOT NULL REFERENCES snapshots (id),
  number BIGINT NOT NULL CHECK (number >= 0),
  body BYTEA NOT NULL,
  PRIMARY KEY (snapshot, number)
);

-- How many requests may be made with a key. The first three are those of GenLayer Studio.
CREATE TABLE api_tiers (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),
  name TEXT NOT NULL UNIQUE,
  per_minute BIGINT NOT NULL CHECK (per_minute > 0),
  per_hour BIGINT NOT NULL CHECK (per_hour > 0),
  per_day BIGINT NOT NULL CHECK (per_day > 0)
);
INSERT INTO api_tiers (id, name, per_minute, per_hour, per_day) VALUES
  (1, 'free', 60, 1000, 10000),
  (2, 'pro', 120, 3000, 50000),
  (3, 'unlimited', 999999, 999999, 999999);

-- Keys that were given out, by the digest of each: nobody can read one from here.
CREATE TABLE api_keys (
  prefix TEXT NOT NULL PRIMARY KEY,
  digest BLOB NOT NULL UNIQUE,
  tier BIGINT NOT NULL REFERENCES api_tiers (id),
  description TEXT,
  created_at BIGINT NOT NULL
);

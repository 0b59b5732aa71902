-- Blocks, as Ethereum clients count time: one for every batch of writes that anybody can hear of,
-- and empty ones while somebody waits.
CREATE TABLE blocks (
  number BIGINT NOT NULL PRIMARY KEY CHECK (number >= 0),
  hash BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
  parent BYTEA NOT NULL CHECK (length(parent) = 32),
  at BIGINT NOT NULL
);

-- The block in which a transaction was accepted.
ALTER TABLE transactions ADD COLUMN block BIGINT NOT NULL DEFAULT 0 CHECK (block >= 0);
CREATE INDEX transactions_block ON transactions (block, position);

-- Events of contracts whose decision stands, in the block of that decision.
CREATE TABLE logs (
  block BIGINT NOT NULL CHECK (block >= 0),
  place BIGINT NOT NULL CHECK (place >= 0),
  position BIGINT NOT NULL REFERENCES transactions (position),
  address BYTEA NOT NULL CHECK (length(address) = 20),
  topic0 BYTEA CHECK (length(topic0) = 32),
  topic1 BYTEA CHECK (length(topic1) = 32),
  topic2 BYTEA CHECK (length(topic2) = 32),
  topic3 BYTEA CHECK (length(topic3) = 32),
  data BYTEA NOT NULL,
  PRIMARY KEY (block, place)
);
CREATE INDEX logs_position ON logs (position);
CREATE INDEX logs_address ON logs (address, block);

-- Signed Ethereum transactions, by the hash of their bytes: repeating one has no second effect.
CREATE TABLE envelopes (
  hash BYTEA NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  -- The transaction it made, or the one it is about.
  subject BYTEA NOT NULL CHECK (length(subject) = 32),
  signer BYTEA NOT NULL CHECK (length(signer) = 20),
  body TEXT NOT NULL
);

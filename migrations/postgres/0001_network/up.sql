-- The whole ledger of a network. Binary: hashes (32 bytes), addresses (20), pages, calldata, code.
-- Times: milliseconds since 1970. Money: decimal text, up to 2^256 - 1.

CREATE TABLE network (
  id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
  seed BYTEA NOT NULL CHECK (length(seed) = 32),
  chain_id BIGINT NOT NULL CHECK (chain_id >= 0),
  created_at BIGINT NOT NULL,
  minted TEXT NOT NULL CHECK (length(minted) BETWEEN 1 AND 78),
  burned TEXT NOT NULL CHECK (length(burned) BETWEEN 1 AND 78),
  validators_created BIGINT NOT NULL CHECK (validators_created >= 0),
  finality_window BIGINT NOT NULL CHECK (finality_window >= 0),
  clock_revision BIGINT NOT NULL CHECK (clock_revision >= 0),
  clock_offset BIGINT NOT NULL,
  clock_frozen_at BIGINT
);

CREATE TABLE codes (
  hash BYTEA NOT NULL PRIMARY KEY CHECK (length(hash) = 32),
  source BYTEA NOT NULL
);

CREATE TABLE transactions (
  position BIGINT NOT NULL PRIMARY KEY CHECK (position > 0),
  hash BYTEA NOT NULL UNIQUE CHECK (length(hash) = 32),
  kind TEXT NOT NULL CHECK (kind IN ('transfer', 'deploy', 'call', 'upgrade')),
  sender BYTEA CHECK (length(sender) = 20),
  recipient BYTEA CHECK (length(recipient) = 20),
  queue_address BYTEA NOT NULL CHECK (length(queue_address) = 20),
  value TEXT NOT NULL CHECK (length(value) BETWEEN 1 AND 78),
  nonce BIGINT NOT NULL CHECK (nonce >= 0),
  code_hash BYTEA REFERENCES codes (hash) CHECK ((code_hash IS NOT NULL) = (kind IN ('deploy', 'upgrade'))),
  calldata BYTEA CHECK ((calldata IS NULL) = (kind IN ('transfer', 'upgrade'))),
  validators INTEGER NOT NULL CHECK (validators >= 0),
  rotations_max INTEGER NOT NULL CHECK (rotations_max BETWEEN 0 AND 255),
  mode TEXT NOT NULL CHECK (mode IN ('NORMAL', 'LEADER_ONLY', 'LEADER_SELF_VALIDATOR')),
  idempotency_key TEXT,
  status TEXT NOT NULL CHECK (status IN (
    'PENDING', 'PROPOSING', 'COMMITTING', 'REVEALING', 'ACCEPTED', 'UNDETERMINED',
    'LEADER_TIMEOUT', 'VALIDATORS_TIMEOUT', 'FINALIZED', 'CANCELED')),
  attempt INTEGER NOT NULL CHECK (attempt >= 0),
  announced INTEGER NOT NULL CHECK (announced >= 0),
  owner TEXT,
  submitted_at BIGINT NOT NULL,
  decided_at BIGINT,
  final_from BIGINT CHECK (final_from IS NOT NULL OR status NOT IN (
    'ACCEPTED', 'UNDETERMINED', 'LEADER_TIMEOUT', 'VALIDATORS_TIMEOUT')),
  finalized_at BIGINT CHECK ((finalized_at IS NOT NULL) = (status = 'FINALIZED')),
  reason TEXT,
  -- Value it holds: what it will pay, has promised to pay on, or may have to give back.
  locked TEXT NOT NULL CHECK (length(locked) BETWEEN 1 AND 78),
  crashes INTEGER NOT NULL CHECK (crashes >= 0),
  -- The attempt from which on its rounds count: what came before was undone.
  chain_from INTEGER NOT NULL CHECK (chain_from >= 0),
  -- The attempt whose decision has its effects in the ledger.
  effective_attempt INTEGER CHECK (effective_attempt >= 0),
  appeal TEXT CHECK (appeal IN ('validators', 'leader', 'leader_timeout', 'validators_timeout')),
  appeals_failed INTEGER NOT NULL CHECK (appeals_failed >= 0),
  -- Time spent in failed appeals, by which the window is longer.
  appeal_millis BIGINT NOT NULL CHECK (appeal_millis >= 0)
);

CREATE UNIQUE INDEX transactions_sender_nonce ON transactions (sender, nonce)
  WHERE sender IS NOT NULL;
CREATE UNIQUE INDEX transactions_idempotency_key ON transactions (idempotency_key)
  WHERE idempotency_key IS NOT NULL;
-- Law 2: one in flight per queue, whoever writes.
CREATE UNIQUE INDEX transactions_in_flight ON transactions (queue_address)
  WHERE status IN ('PROPOSING', 'COMMITTING', 'REVEALING');
CREATE INDEX transactions_pending ON transactions (position, hash, queue_address, kind)
  WHERE status = 'PENDING';
CREATE INDEX transactions_appealed ON transactions (position, hash, queue_address, kind)
  WHERE appeal IS NOT NULL;
CREATE INDEX transactions_locked ON transactions (position, locked) WHERE locked <> '0';
CREATE INDEX transactions_canceled ON transactions (position) WHERE status = 'CANCELED';
CREATE INDEX transactions_undecided ON transactions (queue_address, position, status)
  WHERE status IN ('PENDING', 'PROPOSING', 'COMMITTING', 'REVEALING');
CREATE INDEX transactions_due ON transactions (final_from, position, hash, status)
  WHERE status IN ('ACCEPTED', 'UNDETERMINED', 'LEADER_TIMEOUT', 'VALIDATORS_TIMEOUT');
CREATE INDEX transactions_unfinal ON transactions (queue_address, position, final_from)
  WHERE status IN ('ACCEPTED', 'UNDETERMINED', 'LEADER_TIMEOUT', 'VALIDATORS_TIMEOUT');
-- By whom it concerns. An expression, equal to queue_address, because SQLite would otherwise walk
-- all of a queue's history in this index instead of what is open in the partial ones.
CREATE INDEX transactions_addressee ON transactions
  ((coalesce(recipient, queue_address)), position);

CREATE TABLE decisions (
  position BIGINT NOT NULL REFERENCES transactions (position),
  attempt INTEGER NOT NULL CHECK (attempt >= 0),
  phase TEXT NOT NULL CHECK (phase IN (
    'initial', 'rerun', 'validators_appeal', 'leader_appeal', 'leader_timeout_appeal',
    'validators_timeout_appeal')),
  -- PENDING when an appeal overturned the decision before.
  status TEXT NOT NULL CHECK (status IN (
    'ACCEPTED', 'UNDETERMINED', 'LEADER_TIMEOUT', 'VALIDATORS_TIMEOUT', 'PENDING')),
  decided_at BIGINT NOT NULL,
  -- What it ran on: the contract's balance and code.
  balance_before TEXT NOT NULL CHECK (length(balance_before) BETWEEN 1 AND 78),
  code_before BYTEA CHECK (length(code_before) = 32),
  writes BYTEA NOT NULL,
  -- The pages under `writes` as they were: with them the decision is undone.
  inverse BYTEA NOT NULL,
  receipt BYTEA,
  consensus TEXT NOT NULL,
  PRIMARY KEY (position, attempt)
);

-- Transactions that a contract sent, and by which one.
CREATE TABLE children (
  position BIGINT NOT NULL PRIMARY KEY REFERENCES transactions (position),
  parent BIGINT NOT NULL REFERENCES transactions (position) CHECK (parent < position),
  triggered_on TEXT NOT NULL CHECK (triggered_on IN ('accepted', 'finalized')),
  origin BYTEA NOT NULL CHECK (length(origin) = 20)
);
CREATE INDEX children_parent ON children (parent, position);

CREATE TABLE appeals (
  position BIGINT NOT NULL REFERENCES transactions (position),
  attempt INTEGER NOT NULL CHECK (attempt > 0),
  kind TEXT NOT NULL CHECK (kind IN (
    'validators', 'leader', 'leader_timeout', 'validators_timeout')),
  appellant BYTEA NOT NULL CHECK (length(appellant) = 20),
  opened_at BIGINT NOT NULL,
  closed_at BIGINT,
  -- NULL while it is open, and for ever when the transaction was undone under it.
  successful INTEGER CHECK (successful IN (0, 1)),
  PRIMARY KEY (position, attempt)
);

CREATE TABLE contracts (
  address BYTEA NOT NULL PRIMARY KEY CHECK (length(address) = 20),
  position BIGINT NOT NULL UNIQUE CHECK (position > 0),
  code_hash BYTEA NOT NULL REFERENCES codes (hash),
  deployed_by BYTEA NOT NULL UNIQUE REFERENCES transactions (hash),
  deployed_at BIGINT NOT NULL,
  finalized_at BIGINT,
  -- The code that belongs to the finalized state.
  final_code_hash BYTEA REFERENCES codes (hash)
    CHECK ((final_code_hash IS NULL) = (finalized_at IS NULL))
);

CREATE TABLE contract_storage (
  contract BYTEA NOT NULL REFERENCES contracts (address),
  slot BYTEA NOT NULL CHECK (length(slot) = 32),
  page BIGINT NOT NULL CHECK (page BETWEEN 0 AND 4294967295),
  accepted BYTEA CHECK (length(accepted) BETWEEN 1 AND 1024),
  finalized BYTEA CHECK (length(finalized) BETWEEN 1 AND 1024),
  PRIMARY KEY (contract, slot, page)
);

CREATE TABLE accounts (
  address BYTEA NOT NULL PRIMARY KEY CHECK (length(address) = 20),
  balance TEXT NOT NULL CHECK (length(balance) BETWEEN 1 AND 78),
  nonce BIGINT NOT NULL CHECK (nonce >= 0)
);

CREATE TABLE validators (
  address BYTEA NOT NULL PRIMARY KEY CHECK (length(address) = 20),
  stake BIGINT NOT NULL CHECK (stake > 0),
  number BIGINT NOT NULL UNIQUE CHECK (number >= 0),
  created_at BIGINT NOT NULL
);

-- One row per committed batch: a JSON array of its events, numbered from first_cursor.
CREATE TABLE outbox (
  first_cursor BIGINT NOT NULL PRIMARY KEY CHECK (first_cursor > 0),
  count INTEGER NOT NULL CHECK (count > 0),
  body TEXT NOT NULL
);

CREATE TABLE owners (
  id TEXT NOT NULL PRIMARY KEY,
  heartbeat_at BIGINT NOT NULL
);

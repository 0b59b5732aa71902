-- Whom the nodes of a validator ask, as JSON; NULL for what the settings of the network say.
ALTER TABLE validators ADD COLUMN models TEXT;

-- Providers and models that differ from those the program brings along, whose ids are their places
-- in its list. As JSON; NULL where one of those is taken away.
CREATE TABLE providers (
  id BIGINT NOT NULL PRIMARY KEY CHECK (id > 0),
  choice TEXT
);

-- How a transaction is run, as JSON, where not as the network would.
CREATE TABLE run_contexts (
  position BIGINT NOT NULL PRIMARY KEY REFERENCES transactions (position),
  context TEXT NOT NULL
);

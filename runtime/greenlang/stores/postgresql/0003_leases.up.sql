-- How long the lease is that a running execution is held under: nodes may be set up with different ones.
-- What runs while the store is brought here has none, and only lapses.

ALTER TABLE executions ADD COLUMN lease bigint;

-- Executions, their events, the ledger, idempotency keys and webhook deliveries.
-- Times are microseconds since 1970 in UTC.  Identifiers begin with their time, so new rows go to the end of an index.

CREATE TABLE executions (
    id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('pending', 'queued', 'running', 'completed', 'failed', 'timeout', 'cancelled', 'dead_letter')),
    priority INTEGER NOT NULL CHECK (priority BETWEEN 0 AND 3),
    -- When it was made, later by a while for each step down in priority: the order in which it is claimed.
    rank INTEGER NOT NULL,
    plan_hash TEXT NOT NULL,
    -- '|name@version|name@version|', so that one agent can be looked for.
    agents TEXT NOT NULL,
    request BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    available_at INTEGER NOT NULL,
    started_at INTEGER,
    finished_at INTEGER,
    deadline_at INTEGER,
    attempt INTEGER NOT NULL,
    max_attempts INTEGER NOT NULL CHECK (max_attempts >= 1),
    token INTEGER NOT NULL,
    worker TEXT,
    lease_until INTEGER,
    cancel_requested INTEGER NOT NULL DEFAULT 0,
    result BLOB,
    error BLOB,
    calculation_id TEXT,
    webhook TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX executions_of_tenant ON executions (tenant, created_at, id);
CREATE INDEX executions_waiting ON executions (rank) WHERE state IN ('pending', 'queued');
CREATE INDEX executions_running ON executions (worker) WHERE state = 'running';
CREATE INDEX executions_ended ON executions (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE events (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    execution_id TEXT NOT NULL,
    tenant TEXT NOT NULL,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    payload BLOB NOT NULL
) STRICT;

CREATE INDEX events_of_execution ON events (execution_id, sequence);

CREATE TABLE idempotency_keys (
    tenant TEXT NOT NULL,
    key TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    PRIMARY KEY (tenant, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_of_execution ON idempotency_keys (execution_id);

-- The chain: one row a commit, its head as JSON.
CREATE TABLE commits (
    number INTEGER PRIMARY KEY,
    chain_hash TEXT NOT NULL,
    head BLOB NOT NULL
) STRICT;

CREATE TABLE calculations (
    calculation_id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    commit_number INTEGER NOT NULL REFERENCES commits (number),
    position INTEGER NOT NULL,
    leaf BLOB NOT NULL CHECK (length(leaf) = 32),
    record BLOB NOT NULL,
    evidence BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX calculations_of_commit ON calculations (commit_number, position, leaf);

CREATE TABLE deliveries (
    id INTEGER PRIMARY KEY,
    execution_id TEXT NOT NULL,
    tenant TEXT NOT NULL,
    url TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('due', 'delivered', 'given_up')),
    attempt INTEGER NOT NULL,
    next_at INTEGER NOT NULL,
    payload BLOB NOT NULL,
    last_status INTEGER,
    last_error TEXT
) STRICT;

CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'due';
CREATE INDEX deliveries_of_execution ON deliveries (execution_id);

-- What is written down is not written over.
CREATE TRIGGER events_stay BEFORE UPDATE ON events BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER commits_stay BEFORE UPDATE ON commits BEGIN SELECT RAISE(ABORT, 'commits are append-only'); END;
CREATE TRIGGER commits_remain BEFORE DELETE ON commits BEGIN SELECT RAISE(ABORT, 'commits are append-only'); END;
CREATE TRIGGER calculations_stay BEFORE UPDATE ON calculations BEGIN
    SELECT RAISE(ABORT, 'calculations are append-only');
END;
CREATE TRIGGER calculations_remain BEFORE DELETE ON calculations BEGIN
    SELECT RAISE(ABORT, 'calculations are append-only');
END;

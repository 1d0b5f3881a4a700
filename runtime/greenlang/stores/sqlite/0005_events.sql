-- Events of whatever changes, of which executions are one kind; and how far each sink has been sent the log.

ALTER TABLE events RENAME COLUMN execution_id TO aggregate_id;
ALTER TABLE events ADD COLUMN aggregate_type TEXT NOT NULL DEFAULT 'execution';
-- Of the payload's schema.
ALTER TABLE events ADD COLUMN version INTEGER NOT NULL DEFAULT 1;
-- JSON: who made it happen, and in what connection.  Of an execution's event, NULL means as of the execution.
ALTER TABLE events ADD COLUMN metadata BLOB;
ALTER TABLE executions ADD COLUMN metadata BLOB;

DROP INDEX events_of_execution;
CREATE INDEX events_of_aggregate ON events (aggregate_id, sequence);

-- Executions are purged with their events; what else happened is kept for good.
CREATE TRIGGER events_remain BEFORE DELETE ON events WHEN OLD.aggregate_type <> 'execution' BEGIN
    SELECT RAISE(ABORT, 'events are append-only');
END;

CREATE TABLE sinks (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL,
    worker TEXT,
    lease_until INTEGER,
    failures INTEGER NOT NULL,
    retry_at INTEGER NOT NULL,
    last_error TEXT
) STRICT, WITHOUT ROWID;

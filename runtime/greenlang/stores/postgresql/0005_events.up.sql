-- Events of whatever changes, of which executions are one kind; and how far each sink has been sent the log.

ALTER TABLE events RENAME COLUMN execution_id TO aggregate_id;
ALTER INDEX events_of_execution RENAME TO events_of_aggregate;
ALTER TABLE events
    ADD COLUMN aggregate_type text NOT NULL DEFAULT 'execution',
    -- Of the payload's schema.
    ADD COLUMN version integer NOT NULL DEFAULT 1,
    -- JSON: who made it happen, and in what connection.  Of an execution's event, NULL means as of the execution.
    ADD COLUMN metadata bytea;
ALTER TABLE executions ADD COLUMN metadata bytea;

-- Executions are purged with their events; what else happened is kept for good.
CREATE TRIGGER events_remain BEFORE DELETE ON events
    FOR EACH ROW WHEN (OLD.aggregate_type <> 'execution') EXECUTE FUNCTION refuse_change();

-- No tenant's, and nothing in it is: workers alone see it.
CREATE TABLE sinks (
    name text PRIMARY KEY,
    position bigint NOT NULL,
    worker text,
    lease_until bigint,
    failures integer NOT NULL,
    retry_at bigint NOT NULL,
    last_error text
);
GRANT SELECT, INSERT, UPDATE ON sinks TO greenlang_worker;

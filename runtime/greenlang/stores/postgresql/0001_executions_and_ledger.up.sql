-- Executions, their events, the ledger, idempotency keys and webhook deliveries, each row its tenant's own.
-- Times are microseconds since 1970 in UTC.  Identifiers begin with their time, so new rows go to the end of an index.

CREATE TABLE executions (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    state text NOT NULL CHECK (state IN
        ('pending', 'queued', 'running', 'completed', 'failed', 'timeout', 'cancelled', 'dead_letter')),
    priority smallint NOT NULL CHECK (priority BETWEEN 0 AND 3),
    -- When it was made, later by a while for each step down in priority: the order in which it is claimed.
    rank bigint NOT NULL,
    plan_hash text NOT NULL,
    agents text[] NOT NULL,
    request bytea NOT NULL,
    created_at bigint NOT NULL,
    available_at bigint NOT NULL,
    started_at bigint,
    finished_at bigint,
    deadline_at bigint,
    attempt integer NOT NULL,
    max_attempts integer NOT NULL CHECK (max_attempts >= 1),
    token integer NOT NULL,
    worker text,
    lease_until bigint,
    cancel_requested boolean NOT NULL DEFAULT false,
    result bytea,
    error bytea,
    calculation_id text,
    webhook text
);

CREATE INDEX executions_of_tenant ON executions (tenant, created_at DESC, id DESC);
CREATE INDEX executions_waiting ON executions (rank) WHERE state = 'queued';
CREATE INDEX executions_ripening ON executions (available_at) WHERE state = 'pending';
CREATE INDEX executions_due ON executions (deadline_at) WHERE state IN ('pending', 'queued');
CREATE INDEX executions_running ON executions (worker) WHERE state = 'running';
CREATE INDEX executions_ended ON executions (finished_at) WHERE finished_at IS NOT NULL;

CREATE TABLE events (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    execution_id text NOT NULL,
    tenant text NOT NULL,
    type text NOT NULL,
    at bigint NOT NULL,
    payload bytea NOT NULL
);

CREATE INDEX events_of_execution ON events (execution_id, sequence);

CREATE TABLE idempotency_keys (
    tenant text NOT NULL,
    key text NOT NULL,
    execution_id text NOT NULL,
    request_digest text NOT NULL,
    PRIMARY KEY (tenant, key)
);

CREATE INDEX idempotency_keys_of_execution ON idempotency_keys (execution_id);

-- The chain: one row a commit, its head as JSON and the leaf hashes (32 bytes each) under it.  Hashes tell nothing
-- of a tenant, and every tenant needs them to prove its own records.
CREATE TABLE commits (
    number bigint PRIMARY KEY,
    chain_hash text NOT NULL,
    head bytea NOT NULL,
    leaves bytea NOT NULL CHECK (length(leaves) % 32 = 0)
);

-- By month of `created_at`; the runtime makes the partitions of this month and the next.
CREATE TABLE calculations (
    calculation_id text NOT NULL,
    tenant text NOT NULL,
    created_at bigint NOT NULL,
    commit_number bigint NOT NULL REFERENCES commits (number),
    position integer NOT NULL,
    record bytea NOT NULL,
    evidence bytea NOT NULL,
    PRIMARY KEY (calculation_id, created_at)
) PARTITION BY RANGE (created_at);

CREATE TABLE calculations_of_other_months PARTITION OF calculations DEFAULT;

CREATE INDEX calculations_of_commit ON calculations (commit_number, position);

CREATE TABLE deliveries (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    execution_id text NOT NULL,
    tenant text NOT NULL,
    url text NOT NULL,
    state text NOT NULL CHECK (state IN ('due', 'delivered', 'given_up')),
    attempt integer NOT NULL,
    next_at bigint NOT NULL,
    payload bytea NOT NULL,
    last_status integer,
    last_error text
);

CREATE INDEX deliveries_due ON deliveries (next_at) WHERE state = 'due';
CREATE INDEX deliveries_of_execution ON deliveries (execution_id);

-- Who reads and writes.  Requests work as greenlang_tenant, which sees the tenant of its transaction and nothing
-- else; workers, which run everybody's executions, as greenlang_worker.  Neither may bypass row-level security.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'greenlang_tenant') THEN
        CREATE ROLE greenlang_tenant NOLOGIN NOBYPASSRLS;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'greenlang_worker') THEN
        CREATE ROLE greenlang_worker NOLOGIN NOBYPASSRLS;
    END IF;
END
$$;
GRANT greenlang_tenant, greenlang_worker TO CURRENT_USER;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['executions', 'events', 'idempotency_keys', 'calculations', 'deliveries'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY of_tenant ON %I TO greenlang_tenant '
            'USING (tenant = current_setting(''greenlang.tenant'', true)) '
            'WITH CHECK (tenant = current_setting(''greenlang.tenant'', true))', name);
        -- Not whoever may become a worker, but who is one now: members of a role inherit its policies.
        EXECUTE format(
            'CREATE POLICY of_workers ON %I TO greenlang_worker '
            'USING (current_user = ''greenlang_worker'') WITH CHECK (current_user = ''greenlang_worker'')', name);
        EXECUTE format('GRANT SELECT, INSERT ON %I TO greenlang_tenant, greenlang_worker', name);
    END LOOP;
END
$$;

-- What is written down is not written over: only these may change at all.
GRANT UPDATE ON executions TO greenlang_tenant;
GRANT UPDATE, DELETE ON executions, deliveries TO greenlang_worker;
GRANT DELETE ON events, idempotency_keys TO greenlang_worker;
GRANT SELECT, INSERT ON commits TO greenlang_tenant, greenlang_worker;

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only', TG_TABLE_NAME USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER events_stay BEFORE UPDATE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER commits_stay BEFORE UPDATE OR DELETE ON commits FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER calculations_stay BEFORE UPDATE OR DELETE ON calculations
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER commits_are_kept BEFORE TRUNCATE ON commits EXECUTE FUNCTION refuse_change();
CREATE TRIGGER calculations_are_kept BEFORE TRUNCATE ON calculations EXECUTE FUNCTION refuse_change();

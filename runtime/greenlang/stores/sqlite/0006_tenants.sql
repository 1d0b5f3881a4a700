-- Tenants and what each of them has.  Columns are those of `greenlang.stores.tables`.

CREATE TABLE tenants (
    tenant TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    tier TEXT NOT NULL CHECK (tier IN ('free', 'pro', 'enterprise')),
    status TEXT NOT NULL CHECK (status IN ('active', 'suspended')),
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE quotas (
    tenant TEXT PRIMARY KEY,
    requests_a_minute INTEGER NOT NULL CHECK (requests_a_minute >= 1),
    concurrent_executions INTEGER NOT NULL CHECK (concurrent_executions >= 1),
    daily_executions INTEGER NOT NULL CHECK (daily_executions >= 0),
    daily_compute_minutes INTEGER NOT NULL CHECK (daily_compute_minutes >= 0),
    daily_tokens INTEGER NOT NULL CHECK (daily_tokens >= 0),
    storage_bytes INTEGER NOT NULL CHECK (storage_bytes >= 0),
    agents INTEGER NOT NULL CHECK (agents >= 0),
    changed_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE configurations (
    tenant TEXT PRIMARY KEY,
    document BLOB NOT NULL,
    changed_at INTEGER NOT NULL,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE organisations (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT,
    name TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, parent) REFERENCES organisations (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX organisations_of_parent ON organisations (tenant, parent);

CREATE TABLE users (
    tenant TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    organisation TEXT,
    -- JSON: a list of names.
    roles TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, organisation) REFERENCES organisations (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE INDEX users_of_organisation ON users (tenant, organisation);

CREATE TABLE registrations (
    tenant TEXT NOT NULL,
    agent TEXT NOT NULL,
    version TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('draft', 'building', 'testing', 'validated', 'staged', 'active', 'running',
        'paused', 'retired', 'failed')),
    reason TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, agent, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE workflows (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 1),
    program TEXT NOT NULL,
    summary TEXT NOT NULL,
    plan_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    PRIMARY KEY (tenant, name, version)
) STRICT;

CREATE TABLE own_factors (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    text TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT;

CREATE TABLE audit_log (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT NOT NULL,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    before BLOB,
    after BLOB
) STRICT;

CREATE INDEX audit_log_of_tenant ON audit_log (tenant, sequence);
CREATE INDEX audit_log_of_time ON audit_log (at);

CREATE TABLE secrets (
    tenant TEXT NOT NULL,
    name TEXT NOT NULL,
    -- Which key it is encrypted with.
    key_id TEXT NOT NULL,
    value BLOB NOT NULL,
    changed_at INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE metering (
    tenant TEXT NOT NULL,
    execution_id TEXT NOT NULL,
    attempt INTEGER NOT NULL,
    at INTEGER NOT NULL,
    cpu_microseconds INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    peak_memory_bytes INTEGER,
    PRIMARY KEY (tenant, execution_id, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE usage (
    tenant TEXT NOT NULL,
    -- Days since 1970, in UTC.
    day INTEGER NOT NULL,
    executions INTEGER NOT NULL,
    cpu_microseconds INTEGER NOT NULL,
    tokens INTEGER NOT NULL,
    PRIMARY KEY (tenant, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE quota_warnings (
    tenant TEXT NOT NULL,
    day INTEGER NOT NULL,
    quota TEXT NOT NULL,
    at INTEGER NOT NULL,
    used INTEGER NOT NULL,
    allowed INTEGER NOT NULL,
    PRIMARY KEY (tenant, day, quota)
) STRICT, WITHOUT ROWID;

-- What is written down is not written over.
CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;
CREATE TRIGGER audit_log_remains BEFORE DELETE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'audit_log is append-only');
END;
CREATE TRIGGER workflows_stay BEFORE UPDATE ON workflows BEGIN
    SELECT RAISE(ABORT, 'workflows are append-only');
END;
CREATE TRIGGER workflows_remain BEFORE DELETE ON workflows BEGIN
    SELECT RAISE(ABORT, 'workflows are append-only');
END;
CREATE TRIGGER metering_stays BEFORE UPDATE ON metering BEGIN
    SELECT RAISE(ABORT, 'metering is append-only');
END;

-- Tenants and what each of them has.  Columns are those of `greenlang.stores.tables`.

CREATE TABLE tenants (
    tenant text PRIMARY KEY,
    name text NOT NULL,
    tier text NOT NULL CHECK (tier IN ('free', 'pro', 'enterprise')),
    status text NOT NULL CHECK (status IN ('active', 'suspended')),
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    revision integer NOT NULL
);

CREATE TABLE quotas (
    tenant text PRIMARY KEY,
    requests_a_minute bigint NOT NULL CHECK (requests_a_minute >= 1),
    concurrent_executions bigint NOT NULL CHECK (concurrent_executions >= 1),
    daily_executions bigint NOT NULL CHECK (daily_executions >= 0),
    daily_compute_minutes bigint NOT NULL CHECK (daily_compute_minutes >= 0),
    daily_tokens bigint NOT NULL CHECK (daily_tokens >= 0),
    storage_bytes bigint NOT NULL CHECK (storage_bytes >= 0),
    agents bigint NOT NULL CHECK (agents >= 0),
    changed_at bigint NOT NULL,
    revision integer NOT NULL
);

CREATE TABLE configurations (
    tenant text PRIMARY KEY,
    document bytea NOT NULL,
    changed_at bigint NOT NULL,
    revision integer NOT NULL
);

CREATE TABLE organisations (
    tenant text NOT NULL,
    id text NOT NULL,
    parent text,
    name text NOT NULL,
    created_at bigint NOT NULL,
    revision integer NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, parent) REFERENCES organisations (tenant, id)
);

CREATE INDEX organisations_of_parent ON organisations (tenant, parent);

CREATE TABLE users (
    tenant text NOT NULL,
    id text NOT NULL,
    name text NOT NULL,
    organisation text,
    -- JSON: a list of names.
    roles text NOT NULL,
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    revision integer NOT NULL,
    PRIMARY KEY (tenant, id),
    FOREIGN KEY (tenant, organisation) REFERENCES organisations (tenant, id)
);

CREATE INDEX users_of_organisation ON users (tenant, organisation);

CREATE TABLE registrations (
    tenant text NOT NULL,
    agent text NOT NULL,
    version text NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'building', 'testing', 'validated', 'staged', 'active', 'running',
        'paused', 'retired', 'failed')),
    reason text NOT NULL,
    created_at bigint NOT NULL,
    changed_at bigint NOT NULL,
    revision integer NOT NULL,
    PRIMARY KEY (tenant, agent, version)
);

CREATE TABLE workflows (
    tenant text NOT NULL,
    name text NOT NULL,
    version integer NOT NULL CHECK (version >= 1),
    program text NOT NULL,
    summary text NOT NULL,
    plan_hash text NOT NULL,
    created_at bigint NOT NULL,
    created_by text NOT NULL,
    PRIMARY KEY (tenant, name, version)
);

CREATE TABLE own_factors (
    tenant text NOT NULL,
    name text NOT NULL,
    text text NOT NULL,
    changed_at bigint NOT NULL,
    changed_by text NOT NULL,
    revision integer NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE audit_log (
    sequence bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL,
    at bigint NOT NULL,
    actor text NOT NULL,
    action text NOT NULL,
    subject text NOT NULL,
    before bytea,
    after bytea
);

CREATE INDEX audit_log_of_tenant ON audit_log (tenant, sequence);
CREATE INDEX audit_log_of_time ON audit_log (at);

CREATE TABLE secrets (
    tenant text NOT NULL,
    name text NOT NULL,
    -- Which key it is encrypted with.
    key_id text NOT NULL,
    value bytea NOT NULL,
    changed_at bigint NOT NULL,
    revision integer NOT NULL,
    PRIMARY KEY (tenant, name)
);

CREATE TABLE metering (
    tenant text NOT NULL,
    execution_id text NOT NULL,
    attempt integer NOT NULL,
    at bigint NOT NULL,
    cpu_microseconds bigint NOT NULL,
    tokens bigint NOT NULL,
    peak_memory_bytes bigint,
    PRIMARY KEY (tenant, execution_id, attempt)
);

CREATE TABLE usage (
    tenant text NOT NULL,
    -- Days since 1970, in UTC.
    day integer NOT NULL,
    executions bigint NOT NULL,
    cpu_microseconds bigint NOT NULL,
    tokens bigint NOT NULL,
    PRIMARY KEY (tenant, day)
);

CREATE TABLE quota_warnings (
    tenant text NOT NULL,
    day integer NOT NULL,
    quota text NOT NULL,
    at bigint NOT NULL,
    used bigint NOT NULL,
    allowed bigint NOT NULL,
    PRIMARY KEY (tenant, day, quota)
);

-- Who looks after all tenants works as greenlang_admin, which sees nothing before its transaction says who that is.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'greenlang_admin') THEN
        CREATE ROLE greenlang_admin NOLOGIN NOBYPASSRLS;
    END IF;
END
$$;
GRANT greenlang_admin TO CURRENT_USER;

DO $$
DECLARE
    name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['tenants', 'quotas', 'configurations', 'organisations', 'users', 'registrations',
        'workflows', 'own_factors', 'audit_log', 'secrets', 'metering', 'usage',
        'quota_warnings'] LOOP
        EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format(
            'CREATE POLICY of_tenant ON %I TO greenlang_tenant '
            'USING (tenant = current_setting(''greenlang.tenant'', true)) '
            'WITH CHECK (tenant = current_setting(''greenlang.tenant'', true))', name);
        EXECUTE format('GRANT SELECT ON %I TO greenlang_tenant', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['tenants', 'quotas', 'registrations', 'audit_log', 'metering', 'usage', 'quota_warnings'] LOOP
        EXECUTE format(
            'CREATE POLICY of_workers ON %I TO greenlang_worker '
            'USING (current_user = ''greenlang_worker'') WITH CHECK (current_user = ''greenlang_worker'')', name);
        EXECUTE format('GRANT SELECT ON %I TO greenlang_worker', name);
    END LOOP;
    FOREACH name IN ARRAY ARRAY['tenants', 'quotas', 'configurations', 'organisations', 'users', 'registrations',
        'audit_log', 'metering', 'usage', 'quota_warnings'] LOOP
        EXECUTE format(
            'CREATE POLICY of_admins ON %I TO greenlang_admin '
            'USING (current_user = ''greenlang_admin'' AND current_setting(''greenlang.admin'', true) <> '''') '
            'WITH CHECK (current_user = ''greenlang_admin'' AND current_setting(''greenlang.admin'', true) <> '''')',
            name);
        EXECUTE format('GRANT SELECT ON %I TO greenlang_admin', name);
    END LOOP;
END
$$;

-- What a tenant decides itself; its tier, status and quotas it only sees, as what it used.
GRANT INSERT, UPDATE ON configurations, registrations TO greenlang_tenant;
GRANT INSERT, UPDATE, DELETE ON organisations, users, secrets TO greenlang_tenant;
GRANT INSERT, UPDATE, DELETE ON own_factors TO greenlang_tenant;
GRANT INSERT ON workflows, audit_log TO greenlang_tenant;
GRANT INSERT ON metering, quota_warnings TO greenlang_worker;
GRANT INSERT, UPDATE ON usage TO greenlang_worker;
GRANT INSERT, UPDATE ON tenants, quotas TO greenlang_admin;
GRANT INSERT ON audit_log TO greenlang_admin;

CREATE TRIGGER audit_log_stays BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER audit_log_is_kept BEFORE TRUNCATE ON audit_log EXECUTE FUNCTION refuse_change();
CREATE TRIGGER workflows_stay BEFORE UPDATE OR DELETE ON workflows
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER metering_stays BEFORE UPDATE ON metering FOR EACH ROW EXECUTE FUNCTION refuse_change();

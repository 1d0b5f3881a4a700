-- API keys, as hashes: who has one shows it, and nobody can read it here.

CREATE TABLE api_keys (
    id text PRIMARY KEY,
    tenant text NOT NULL,
    name text NOT NULL,
    roles text[] NOT NULL,
    secret_hash bytea NOT NULL CHECK (length(secret_hash) = 32),
    created_at bigint NOT NULL,
    expires_at bigint,
    revoked_at bigint
);

CREATE INDEX api_keys_of_tenant ON api_keys (tenant, created_at DESC);

ALTER TABLE api_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE api_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY of_tenant ON api_keys TO greenlang_tenant
    USING (tenant = current_setting('greenlang.tenant', true))
    WITH CHECK (tenant = current_setting('greenlang.tenant', true));
GRANT SELECT, INSERT ON api_keys TO greenlang_tenant;
-- A key is ended, and nothing else of it changes.
GRANT UPDATE (revoked_at) ON api_keys TO greenlang_tenant;

-- Before it is known who shows a key, it is looked for among everybody's; workers may look and nothing more.
CREATE POLICY of_workers ON api_keys FOR SELECT TO greenlang_worker USING (current_user = 'greenlang_worker');
GRANT SELECT ON api_keys TO greenlang_worker;

-- The tenant of a transaction is looked up for every row again.

DO $$
DECLARE
    guarded text;
BEGIN
    FOR guarded IN SELECT tablename FROM pg_policies WHERE policyname = 'of_tenant' AND schemaname = current_schema() LOOP
        EXECUTE format(
            'ALTER POLICY of_tenant ON %I '
            'USING (tenant = current_setting(''greenlang.tenant'', true)) '
            'WITH CHECK (tenant = current_setting(''greenlang.tenant'', true))', guarded);
    END LOOP;
END
$$;

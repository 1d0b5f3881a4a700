-- The tenant of a transaction is looked up once a statement and not once a row: a subquery is computed ahead.

DO $$
DECLARE
    guarded text;
BEGIN
    FOR guarded IN SELECT tablename FROM pg_policies WHERE policyname = 'of_tenant' AND schemaname = current_schema() LOOP
        EXECUTE format(
            'ALTER POLICY of_tenant ON %I '
            'USING (tenant = (SELECT current_setting(''greenlang.tenant'', true))) '
            'WITH CHECK (tenant = (SELECT current_setting(''greenlang.tenant'', true)))', guarded);
    END LOOP;
END
$$;

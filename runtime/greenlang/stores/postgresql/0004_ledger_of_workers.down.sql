-- Lets tenants write to the ledger again.

GRANT INSERT ON commits, calculations TO greenlang_tenant;

-- Takes back all of it, the ledger too; the roles stay, which other databases of the server may use.

DROP TABLE deliveries, calculations, commits, idempotency_keys, events, executions;
DROP FUNCTION refuse_change();

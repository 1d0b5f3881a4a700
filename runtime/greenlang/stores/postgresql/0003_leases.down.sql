-- Takes back how long leases are; when they end stays.

ALTER TABLE executions DROP COLUMN lease;

-- A claim asks four questions of all executions, a purge two; each has an index that holds its answers alone.

DROP INDEX executions_waiting;
CREATE INDEX executions_waiting ON executions (rank) WHERE state = 'queued';
CREATE INDEX executions_ripening ON executions (available_at) WHERE state = 'pending';
CREATE INDEX executions_due ON executions (deadline_at)
    WHERE state IN ('pending', 'queued') AND deadline_at IS NOT NULL;
CREATE INDEX calculations_of_time ON calculations (created_at);

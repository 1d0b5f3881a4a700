-- Records are large: in a tree of rows they take two thirds of the pages, and of the time to commit them,
-- that they take in the tree of their identifiers.

CREATE TABLE new_calculations (
    calculation_id TEXT PRIMARY KEY,
    tenant TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    commit_number INTEGER NOT NULL REFERENCES commits (number),
    position INTEGER NOT NULL,
    leaf BLOB NOT NULL CHECK (length(leaf) = 32),
    record BLOB NOT NULL,
    evidence BLOB NOT NULL
) STRICT;

INSERT INTO new_calculations
    SELECT calculation_id, tenant, created_at, commit_number, position, leaf, record, evidence
    FROM calculations ORDER BY commit_number, position;

DROP TABLE calculations;
ALTER TABLE new_calculations RENAME TO calculations;

CREATE UNIQUE INDEX calculations_of_commit ON calculations (commit_number, position, leaf);
CREATE INDEX calculations_of_time ON calculations (created_at);

CREATE TRIGGER calculations_stay BEFORE UPDATE ON calculations BEGIN
    SELECT RAISE(ABORT, 'calculations are append-only');
END;
CREATE TRIGGER calculations_remain BEFORE DELETE ON calculations BEGIN
    SELECT RAISE(ABORT, 'calculations are append-only');
END;

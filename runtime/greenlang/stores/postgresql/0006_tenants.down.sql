-- Takes back tenants and what they have, the audit log too; the role stays, which other databases may use.

DROP TABLE quota_warnings, usage, metering, secrets, audit_log, own_factors, workflows, registrations, users, organisations,
    configurations, quotas, tenants;

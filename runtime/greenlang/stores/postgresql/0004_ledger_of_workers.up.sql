-- Links and the records under them are written by workers alone: a tenant that could would fork the chain.

REVOKE INSERT ON commits, calculations FROM greenlang_tenant;

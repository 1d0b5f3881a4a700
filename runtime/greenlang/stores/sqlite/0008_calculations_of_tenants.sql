-- What a tenant has stored is added up every minute, and costs no more for what others have.

CREATE INDEX calculations_of_tenant ON calculations (tenant);

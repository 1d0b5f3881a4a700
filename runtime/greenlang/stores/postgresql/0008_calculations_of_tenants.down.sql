-- Looks through everybody's calculations again.

DROP INDEX calculations_of_tenant;

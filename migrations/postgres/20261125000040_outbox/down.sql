DROP INDEX order_events_by_moment;
DROP TABLE publisher_lease;
DROP TABLE outbox;

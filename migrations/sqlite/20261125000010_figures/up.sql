-- What the operator's figures count without reading whole tables: dead tasks, and entries that wait for a person.
CREATE INDEX tasks_dead ON tasks (kind) WHERE dead;
CREATE INDEX payment_entries_in_review ON payment_entries (order_id) WHERE state = 'review';

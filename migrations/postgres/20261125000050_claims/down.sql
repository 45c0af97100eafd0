CREATE INDEX tasks_next ON tasks (run_at) WHERE NOT dead;

DELETE FROM tasks WHERE order_id IS NULL;
DROP INDEX tasks_chores;
ALTER TABLE tasks
    DROP CONSTRAINT tasks_of_order,
    DROP CONSTRAINT tasks_of_nobody,
    ALTER COLUMN order_id SET NOT NULL,
    ALTER COLUMN seq      SET NOT NULL,
    ALTER COLUMN ordinal  SET NOT NULL;
DELETE FROM idempotency_keys WHERE kind = 'guard';
ALTER TABLE idempotency_keys
    ALTER COLUMN status  SET NOT NULL,
    ALTER COLUMN headers SET NOT NULL,
    ALTER COLUMN body    SET NOT NULL,
    DROP COLUMN kind,
    DROP COLUMN customer_id,
    DROP COLUMN placed_with,
    DROP COLUMN open,
    DROP COLUMN ends_at;

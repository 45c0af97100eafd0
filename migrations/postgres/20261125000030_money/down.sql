ALTER TABLE payment_entries DROP COLUMN refused_at;
ALTER TABLE orders DROP COLUMN adjustment;

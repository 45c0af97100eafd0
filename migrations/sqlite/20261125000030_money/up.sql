-- An edit whose difference is not paid yet: its charge, and what the order is again if that is declined (lines, address,
-- instructions, amounts), as JSON. Gone as soon as the adjustment closes.
ALTER TABLE orders ADD COLUMN adjustment text;
-- When the last answer came that was neither yes, no nor nothing: no call is made for a while before a person looks.
ALTER TABLE payment_entries ADD COLUMN refused_at text;

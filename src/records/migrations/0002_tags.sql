-- Up Migration

-- The tags of the request as one text, `env=test,project=x`; null if it had none.
ALTER TABLE entries ADD COLUMN tags text;

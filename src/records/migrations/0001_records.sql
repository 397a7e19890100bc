-- Up Migration

-- Which store these are the records of, how far they are, and which process drains it. One row.
CREATE TABLE drain (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  -- The store's name; null until it was first drained.
  store text,
  -- Grows with every drain. The store has it too: a store that lags behind it has lost data.
  mark bigint NOT NULL DEFAULT 0,
  owner text,
  -- Grows when the owner changes: what an earlier owner still has under way then fails.
  fence bigint NOT NULL DEFAULT 0,
  leased_until timestamptz NOT NULL DEFAULT '-infinity'
);
INSERT INTO drain DEFAULT VALUES;

-- How far each stream of the store is drained.
CREATE TABLE checkpoints (
  stream text PRIMARY KEY,
  last_ms bigint NOT NULL DEFAULT 0,
  last_seq bigint NOT NULL DEFAULT 0,
  -- How many elements the stream had ever been given, up to and including that one.
  added bigint NOT NULL DEFAULT 0
);
INSERT INTO checkpoints (stream) VALUES ('entries'), ('refusals'), ('audit');

-- What was in the store and is not here: trimmed, or lost with the store, before it was drained.
CREATE TABLE gaps (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  stream text NOT NULL,
  found_at timestamptz NOT NULL DEFAULT now(),
  -- The last element before it that is here, and the first one after it; when they were written.
  from_at timestamptz,
  to_at timestamptz,
  -- Null: not known, since the store lost its count as well.
  missing bigint,
  reason text NOT NULL
);

-- One row for each admitted request. Months are partitions, made ahead and dropped whole.
CREATE TABLE entries (
  admitted_at timestamptz NOT NULL,
  id text NOT NULL,
  -- The element of the store's stream: when the request was closed, ms, and a number within it.
  closed_ms bigint NOT NULL,
  closed_seq integer NOT NULL,
  status smallint NOT NULL,
  model_accepted boolean NOT NULL,
  stream boolean NOT NULL,
  duration_ms bigint NOT NULL,
  ttfb_ms bigint,
  cost_nano_usd bigint,
  input_tokens bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  images bigint NOT NULL DEFAULT 0,
  search_units bigint NOT NULL DEFAULT 0,
  cache_read_tokens bigint NOT NULL DEFAULT 0,
  cache_write_tokens bigint NOT NULL DEFAULT 0,
  request_id text NOT NULL,
  team text NOT NULL,
  user_id text NOT NULL,
  token text NOT NULL,
  session text,
  end_user text,
  endpoint text NOT NULL,
  model text NOT NULL,
  model_requested text,
  outcome text NOT NULL,
  error_code text,
  usage text NOT NULL,
  PRIMARY KEY (admitted_at, id)
) PARTITION BY RANGE (admitted_at);
-- Ascending, as entries come: pages then fill up. It is read backwards.
CREATE INDEX entries_closed ON entries (closed_ms, closed_seq);
-- One column each: a name that is there often takes six bytes an entry. What most entries are is not worth an index.
CREATE INDEX entries_team ON entries (team);
CREATE INDEX entries_user ON entries (user_id);
CREATE INDEX entries_token ON entries (token);
CREATE INDEX entries_session ON entries (session) WHERE session IS NOT NULL;
CREATE INDEX entries_end_user ON entries (end_user) WHERE end_user IS NOT NULL;
CREATE INDEX entries_endpoint ON entries (endpoint);
CREATE INDEX entries_model ON entries (model);
CREATE INDEX entries_model_not_accepted ON entries (model) WHERE NOT model_accepted;
CREATE INDEX entries_outcome ON entries (outcome) WHERE outcome <> 'ok';

-- Sums of a UTC day. Kept for ever.
CREATE TABLE usage_days (
  day date NOT NULL,
  team text NOT NULL,
  user_id text NOT NULL,
  token text NOT NULL,
  model text NOT NULL,
  endpoint text NOT NULL,
  requests bigint NOT NULL DEFAULT 0,
  input_tokens bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  images bigint NOT NULL DEFAULT 0,
  errors bigint NOT NULL DEFAULT 0,
  aborted bigint NOT NULL DEFAULT 0,
  lost bigint NOT NULL DEFAULT 0,
  cost_nano_usd bigint NOT NULL DEFAULT 0,
  search_units bigint NOT NULL DEFAULT 0,
  cache_read_tokens bigint NOT NULL DEFAULT 0,
  cache_write_tokens bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (day, team, user_id, token, model, endpoint)
);
CREATE INDEX usage_days_token ON usage_days (token, day);

-- Refused requests of a UTC day. '' stands for what is not known. Kept for ever.
CREATE TABLE refusal_days (
  day date NOT NULL,
  team text NOT NULL,
  user_id text NOT NULL,
  token text NOT NULL,
  endpoint text NOT NULL,
  code text NOT NULL,
  model text NOT NULL,
  limit_name text NOT NULL,
  refused bigint NOT NULL,
  last_at timestamptz NOT NULL,
  PRIMARY KEY (day, team, user_id, token, endpoint, code, model, limit_name)
);

-- The number of the last batch of refusals that was counted here, of each process, so that none is counted twice.
CREATE TABLE refusal_batches (
  process text PRIMARY KEY,
  sequence bigint NOT NULL,
  counted_at timestamptz NOT NULL DEFAULT now()
);

-- The audit trail. Kept for ever.
CREATE TABLE audit_entries (
  hash text PRIMARY KEY,
  -- Null, like what follows from the text, if somebody altered that so that it cannot be read.
  sequence bigint,
  stream_ms bigint NOT NULL,
  stream_seq bigint NOT NULL,
  at timestamptz,
  actor text,
  operation text,
  team text,
  -- What the hash covers, with the hash of the entry before.
  text text NOT NULL
);
CREATE INDEX audit_entries_stream ON audit_entries (stream_ms, stream_seq);

-- Teams, users, tokens, administrators and settings as they are, with hashes of secrets only.
CREATE TABLE identities (
  kind text NOT NULL,
  team text NOT NULL,
  id text NOT NULL,
  record json NOT NULL,
  secrets text[] NOT NULL DEFAULT '{}',
  PRIMARY KEY (kind, team, id)
);

-- Where the identities came from: the store's name in exports, and digests of what IDENTITY_FILE and imports brought.
CREATE TABLE provenance (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  name text,
  seen text NOT NULL DEFAULT ''
);
INSERT INTO provenance DEFAULT VALUES;

-- What limits of a day or a month have been charged in their window. Team '@': limits of the whole gateway.
CREATE TABLE counters (
  team text NOT NULL,
  field text NOT NULL,
  -- Days since 1970, or months since year 0.
  window_index bigint NOT NULL,
  charged bigint NOT NULL,
  charged_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (team, field)
);

-- Who was erased, so that a request that was still open then is not recorded under the name. The user only as a hash.
CREATE TABLE erasures (
  team text NOT NULL,
  -- SHA-256, hex, of team and user with a slash between.
  user_hash text NOT NULL,
  pseudonym text NOT NULL,
  erased_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (team, user_hash, pseudonym)
);

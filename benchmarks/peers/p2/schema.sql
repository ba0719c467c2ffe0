CREATE TABLE p2_api_key (
  id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  hash bytea NOT NULL UNIQUE,
  organization_id uuid NOT NULL,
  revoked boolean NOT NULL DEFAULT false,
  expires_at timestamptz
);
CREATE TABLE p2_request_log (
  id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  created_at timestamptz NOT NULL DEFAULT now(),
  api_key_id bigint NOT NULL,
  method varchar(10) NOT NULL,
  path varchar(500) NOT NULL,
  response_status smallint NOT NULL,
  response_time_ms double precision NOT NULL,
  ip inet
);
CREATE INDEX p2_request_log_of_key ON p2_request_log (api_key_id, created_at DESC);

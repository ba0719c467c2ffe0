-- The peers' table of leads: the hub's columns and the hub's index for this list, without row-level security.
CREATE TABLE lead (
  id uuid PRIMARY KEY,
  organization_id uuid NOT NULL,
  environment varchar(10) NOT NULL,
  client_id uuid,
  company_id uuid,
  agent_id uuid,
  external_id varchar(255) NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  name varchar(255) NOT NULL,
  email varchar(254) NOT NULL,
  phone varchar(40) NOT NULL,
  email_normalized varchar(254) NOT NULL,
  phone_normalized varchar(20) NOT NULL,
  source varchar(120) NOT NULL,
  notes text NOT NULL,
  tags varchar(60)[] NOT NULL,
  value_minor bigint,
  currency varchar(3) NOT NULL,
  custom_fields jsonb NOT NULL,
  status varchar(10) NOT NULL,
  rejection_reason varchar(500) NOT NULL DEFAULT '',
  duplicate_of_id uuid,
  merged_into_id uuid
);
CREATE INDEX lead_newest ON lead (organization_id, environment, created_at DESC, id DESC);

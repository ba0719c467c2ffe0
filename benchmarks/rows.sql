-- The same rows for every contender, wherever they are loaded; {table}, {organization_id} and {leads} are filled in.
INSERT INTO {table} (id, organization_id, environment, client_id, created_at, updated_at, name, email, phone,
                     email_normalized, phone_normalized, source, notes, status, duplicate_of_id, company_id,
                     agent_id, external_id, tags, value_minor, currency, custom_fields, merged_into_id)
SELECT md5('{organization_id} ' || n)::uuid, '{organization_id}', 'sandbox', NULL, at, at,
       'Ada Lovelace ' || n, 'ada.' || n || '@example.com', '+97250' || lpad((n % 10000000)::text, 7, '0'),
       'ada.' || n || '@example.com', '+97250' || lpad((n % 10000000)::text, 7, '0'),
       'website', 'Asked for a call back about the annual plan, after five.', 'new', NULL, NULL,
       NULL, 'crm-' || n, ARRAY['annual', 'call-back'], 120000, 'ILS', '{{"floor": 3, "pets": true}}', NULL
FROM (SELECT n, timestamptz '2026-01-01 00:00:00+00' + n * interval '1 second' AS at
      FROM generate_series(1, {leads}) n) rows

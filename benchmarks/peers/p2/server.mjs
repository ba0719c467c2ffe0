// fastify as its documentation builds it: the key checked in PostgreSQL (prepared statements, a pool), the
// rate limit in Redis, a response schema for the fast serializer, one log row for each request.
import cluster from 'node:cluster'
import { createHash } from 'node:crypto'
import rateLimit from '@fastify/rate-limit'
import Fastify from 'fastify'
import { Redis } from 'ioredis'
import pg from 'pg'

const PROCESSES = 2

const KEY = `SELECT id, organization_id FROM p2_api_key
  WHERE hash = $1 AND NOT revoked AND (expires_at IS NULL OR expires_at > now())`
const LEADS = `SELECT id, organization_id AS "organizationId", external_id AS "externalId", name, email, phone,
    phone_normalized AS "phoneE164", source, notes, tags, value_minor AS "valueMinor", currency,
    company_id AS "companyId", agent_id AS "agentId", custom_fields AS "customFields", status, rejection_reason AS "rejectionReason",
    duplicate_of_id AS "duplicateOf", merged_into_id AS "mergedInto", created_at AS "createdAt",
    updated_at AS "updatedAt"
  FROM lead WHERE organization_id = $1 AND environment = 'sandbox' ORDER BY created_at DESC, id DESC LIMIT 20`
const LOG = `INSERT INTO p2_request_log (api_key_id, method, path, response_status, response_time_ms, ip)
  VALUES ($1, $2, $3, $4, $5, $6)`

const text = { type: 'string' }
const time = { type: 'string', format: 'date-time' }
const none = { type: 'string', nullable: true }
const lead = {
  type: 'object',
  properties: {
    id: text, organizationId: text, externalId: text, name: text, email: text, phone: text, phoneE164: text,
    source: text, notes: text, tags: { type: 'array', items: text }, valueMinor: { type: 'integer', nullable: true },
    currency: text, companyId: none, agentId: none, customFields: { type: 'object', additionalProperties: true },
    status: text, rejectionReason: text, duplicateOf: none, mergedInto: none, createdAt: time, updatedAt: time
  }
}
const schema = {
  querystring: { type: 'object', required: ['organizationId'], properties: { organizationId: text } },
  response: { 200: { type: 'object', properties: { data: { type: 'array', items: lead } } } }
}

// a count of minor units is a number, not the text that a bigint would be
pg.types.setTypeParser(pg.types.builtins.INT8, Number)

async function serve () {
  const database = new pg.Pool({ max: 8 })
  const redis = new Redis({ path: process.env.REDIS_SOCKET, db: 2, enableAutoPipelining: true })
  const app = Fastify({ logger: false })
  app.decorateRequest('key', null)

  app.addHook('onRequest', async (request, reply) => {
    const hash = createHash('sha256').update(request.headers['x-api-key'] ?? '').digest()
    const { rows } = await database.query({ name: 'key', text: KEY, values: [hash] })
    if (rows.length === 0) return reply.code(401).send({ error: 'UNAUTHORIZED' })
    request.key = rows[0]
  })
  await app.register(rateLimit, {
    redis,
    max: 600,
    timeWindow: '1 minute',
    hook: 'preHandler',
    keyGenerator: (request) => request.key.id
  })
  app.addHook('onResponse', async (request, reply) => {
    if (request.key === null) return
    const values = [request.key.id, request.method, request.url, reply.statusCode, reply.elapsedTime, request.ip]
    await database.query({ name: 'log', text: LOG, values })
  })
  app.get('/api/partner/v1/leads', { schema }, async (request, reply) => {
    if (request.query.organizationId !== request.key.organization_id) {
      return reply.code(403).send({ error: 'FORBIDDEN' })
    }
    const { rows } = await database.query({ name: 'leads', text: LEADS, values: [request.key.organization_id] })
    return { data: rows }
  })
  await app.listen({ host: '127.0.0.1', port: Number(process.argv[2]) })
}

if (cluster.isPrimary) {
  for (let n = 0; n < PROCESSES; n++) cluster.fork()
  process.on('SIGTERM', () => {
    for (const worker of Object.values(cluster.workers)) worker.kill()
    process.exit()
  })
} else {
  await serve()
}

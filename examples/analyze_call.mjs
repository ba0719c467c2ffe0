#!/usr/bin/env node
/** Send a recorded call in, follow its analysis, print what was found.
 *
 *    HUB_URL=https://hub.example HUB_KEY=pk_….sk_… HUB_COMPANY_ID=… node examples/analyze_call.mjs call.wav
 *
 *  Needs nothing but Node.js 18 or later. With HUB_WEBHOOK_URL the result is posted there as well:
 *  examples/receiver.mjs verifies it. */
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

const { HUB_URL, HUB_KEY, HUB_COMPANY_ID, HUB_WEBHOOK_URL = "" } = process.env;
const API = `${HUB_URL.replace(/\/+$/, "")}/api/partner/v1`;
const ENDED = ["completed", "failed", "canceled"];

/** One request. What is over a limit (429) or down for a moment (503) is asked again when it says. */
async function call(method, path, body, headers = {}) {
  for (;;) {
    const answer = await fetch(API + path, {
      method,
      headers: { "x-partner-api-key": HUB_KEY, "Content-Type": "application/json", ...headers },
      body: body && JSON.stringify(body),
    });
    if (answer.ok) return answer.json();
    if (![429, 503].includes(answer.status)) throw new Error(`${answer.status} ${await answer.text()}`);
    await sleep(1000 * Number(answer.headers.get("Retry-After") ?? 1));
  }
}

const body = {
  audio_file: (await readFile(process.argv[2])).toString("base64"),
  company_id: HUB_COMPANY_ID,
  call_type: "support",
  webhook_url: HUB_WEBHOOK_URL,
};
// the same recording sent twice is one job
const key = createHash("sha256").update(JSON.stringify(body)).digest("hex");
const job = await call("POST", "/calls/analyze", body, { "Idempotency-Key": key });
console.log(`${job.job_id}: ${job.message}, about ${job.estimated_time}`);

let status;
while (!ENDED.includes((status = await call("GET", `/jobs/${job.job_id}/status`)).status)) await sleep(1000);
if (status.status !== "completed") throw new Error(`${status.status}: ${JSON.stringify(status.error)}`);
console.log("score:", status.results.overall_score);
for (const turn of status.results.transcript.segments)
  console.log(`${turn.start.toFixed(1).padStart(7)} s  ${turn.role}: ${turn.text}`);

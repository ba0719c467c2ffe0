#!/usr/bin/env node
// A webhook receiver of Partner Hub: verifies and prints what came.
//
//     node examples/receiver.mjs --port 9000 --secret whsec_…   (or HUB_WEBHOOK_SECRET)
//
// During a rotation give both secrets; a whpk_… verifies v1a, the asymmetric signature.
// Needs nothing but Node.js 18; `problem()` is the part to take into your own code.
import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const TOLERANCE_S = 300;
const MAX_BODY_BYTES = 20_000_000;

/** Why a webhook must not be trusted; "" when one of `secrets` signed it and it is fresh. `body` is a Buffer of
 *  the raw bytes received; secrets are the texts as shown. */
export function problem(body, headers, secrets) {
  const at = headers["webhook-timestamp"] ?? "";
  const message = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${at}.`), body]);
  const signatures = (headers["webhook-signature"] ?? "").split(" ");
  if (!signatures.some((signature) => secrets.some((secret) => isRight(signature, secret, message)))) {
    return "webhook-signature is wrong";
  }
  if (Math.abs(Date.now() / 1000 - Number(at)) > TOLERANCE_S) return "the webhook is too old: it may be a replay";
  return "";
}

function isRight(signature, secret, message) {
  const [version, encoded = ""] = signature.split(",");
  const given = Buffer.from(encoded, "base64");
  if (secret.startsWith("whpk_")) {
    const x = Buffer.from(secret.slice(5), "base64").toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    return version === "v1a" && verify(null, message, key, given);
  }
  const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
  const mine = createHmac("sha256", key).update(message).digest();
  return version === "v1" && mine.length === given.length && timingSafeEqual(mine, given);
}

/** The other scheme, X-Partner-Signature: it covers the body alone, and so cannot tell a replay. The body may have
 *  been parsed and serialised again, as here: it is canonical JSON. */
export function bodyIsSigned(body, headers, secrets) {
  const given = Buffer.from(headers["x-partner-signature"] ?? "");
  return secrets.some((secret) => {
    const again = JSON.stringify(JSON.parse(body));
    const mine = Buffer.from(createHmac("sha256", secret).update(again).digest("hex"));
    return mine.length === given.length && timingSafeEqual(mine, given);
  });
}

function main() {
  const { values } = parseArgs({
    options: { port: { type: "string", default: "9000" }, secret: { type: "string", multiple: true } },
  });
  const secrets = (values.secret ?? (process.env.HUB_WEBHOOK_SECRET ?? "").split(/\s+/)).filter(Boolean);
  if (!secrets.length) throw new Error("give --secret, or set HUB_WEBHOOK_SECRET");
  const server = createServer(async (request, response) => {
    const pieces = [];
    let length = 0;
    for await (const piece of request) {
      length += piece.length;
      if (length > MAX_BODY_BYTES) return response.writeHead(413, { Connection: "close" }).end();
      pieces.push(piece);
    }
    const body = Buffer.concat(pieces);
    const wrong = problem(body, request.headers, secrets);
    response.writeHead(wrong ? 401 : 204).end();
    if (wrong) console.error(`✘ refused: ${wrong}`);
    else console.log("✔ verified", request.headers["webhook-id"], JSON.parse(body));
  });
  server.listen(Number(values.port), "127.0.0.1", () => {
    console.log(`Listening on http://127.0.0.1:${server.address().port}/`);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();

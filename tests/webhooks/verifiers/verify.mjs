// Verifies one webhook from standard input by the scheme that is named, with code that is not ours; exits 0 or 1.
import { createHmac, createPublicKey, timingSafeEqual, verify } from "node:crypto";
import { readFileSync } from "node:fs";

const { body: encoded, headers, secret } = JSON.parse(readFileSync(0, "utf8"));
const body = Buffer.from(encoded, "base64");

const schemes = {
  async standardwebhooks() {
    const { Webhook } = await import("standardwebhooks");
    new Webhook(secret).verify(body, headers);
    return true;
  },
  /** Contract B's snippet: the partner serialises the parsed body again. */
  contractB() {
    const mine = createHmac("sha256", secret).update(JSON.stringify(JSON.parse(body))).digest("hex");
    return timingSafeEqual(Buffer.from(mine), Buffer.from(headers["x-partner-signature"]));
  },
  /** https://www.standardwebhooks.com: Ed25519 over id, time and body, under the public key `whpk_…`. */
  v1a() {
    const x = Buffer.from(secret.replace("whpk_", ""), "base64").toString("base64url");
    const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
    const message = Buffer.concat([Buffer.from(`${headers["webhook-id"]}.${headers["webhook-timestamp"]}.`), body]);
    return headers["webhook-signature"].split(" ").some((signature) => {
      const [version, value] = signature.split(",");
      return version === "v1a" && verify(null, message, key, Buffer.from(value, "base64"));
    });
  },
};

try {
  process.exit((await schemes[process.argv[2]]()) ? 0 : 1);
} catch (error) {
  if (error.name !== "WebhookVerificationError") throw error;
  process.exit(1);
}

import crypto, { createHash, generateKeyPairSync } from "node:crypto";
import https from "node:https";
import tls from "node:tls";

// --- TLS ---

export function agents(ca: Buffer) {
  // ruleid: fixby.javascript.tls-verify-disabled
  const one = new https.Agent({ keepAlive: true, rejectUnauthorized: false });
  // ruleid: fixby.javascript.tls-verify-disabled
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  // ok: fixby.javascript.tls-verify-disabled
  const two = new https.Agent({ ca });
  // ok: fixby.javascript.tls-verify-disabled
  const three = tls.connect({ host: "db", rejectUnauthorized: true });
  // ok: fixby.javascript.tls-verify-disabled
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "1";
  return [one, two, three];
}

// --- ciphers ---

export function ciphers(key: Buffer, iv: Buffer, password: string) {
  // ruleid: fixby.javascript.weak-cipher
  const one = crypto.createCipheriv("des-ede3-cbc", key, iv);
  // ruleid: fixby.javascript.weak-cipher
  const two = crypto.createCipheriv("aes-256-ecb", key, null);
  // ruleid: fixby.javascript.weak-cipher
  const three = crypto.createCipher("aes-256-cbc", password);
  // ok: fixby.javascript.weak-cipher
  const four = crypto.createCipheriv("aes-256-gcm", key, iv);
  // ok: fixby.javascript.weak-cipher
  const five = crypto.createDecipheriv("chacha20-poly1305", key, iv);
  return [one, two, three, four, five];
}

// --- hashes ---

export function hashes(password: string, user: User, file: Buffer) {
  // ruleid: fixby.javascript.weak-hash-for-secret
  const one = crypto.createHash("md5").update(password).digest("hex");
  // ruleid: fixby.javascript.weak-hash-for-secret
  const two = createHash("sha1").update(user.accessToken, "utf8").digest();
  // ok: fixby.javascript.weak-hash-for-secret
  const three = crypto.createHash("sha256").update(user.accessToken).digest("hex");
  // ok: fixby.javascript.weak-hash-for-secret
  const four = createHash("md5").update(file).digest("hex");
  // ok: fixby.javascript.weak-hash-for-secret
  const five = crypto.scryptSync(password, user.salt, 64);
  // ok: fixby.javascript.weak-hash-for-secret
  const six = crypto.createHmac("sha1", user.apiSecret).update(file).digest();
  return [one, two, three, four, five, six];
}

// --- random values ---

export function values(user: User) {
  // ruleid: fixby.javascript.predictable-random-secret
  const resetToken = Math.random().toString(36).slice(2);
  // ruleid: fixby.javascript.predictable-random-secret
  user.otp = Math.floor(Math.random() * 1000000);
  // ok: fixby.javascript.predictable-random-secret
  const sessionId = crypto.randomUUID();
  // ok: fixby.javascript.predictable-random-secret
  const position = Math.random() * 100;
  // ok: fixby.javascript.predictable-random-secret
  const tokenColour = Math.random() > 0.5 ? "red" : "green";
  const parameters = {
    format: "json",
    // ruleid: fixby.javascript.predictable-random-secret
    signatureNonce: Math.random().toString(),
  };
  return [resetToken, sessionId, position, tokenColour, parameters];
}

// --- keys ---

export function keys() {
  // ruleid: fixby.javascript.short-rsa-key
  const one = crypto.generateKeyPairSync("rsa", { modulusLength: 1024 });
  // ruleid: fixby.javascript.short-rsa-key
  const two = generateKeyPairSync("rsa", { publicExponent: 65537, modulusLength: 512 });
  // ok: fixby.javascript.short-rsa-key
  const three = crypto.generateKeyPairSync("rsa", { modulusLength: 3072 });
  // ok: fixby.javascript.short-rsa-key
  const four = crypto.generateKeyPairSync("ec", { namedCurve: "P-256" });
  return [one, two, three, four];
}

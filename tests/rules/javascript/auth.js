const jwt = require("jsonwebtoken");
const session = require("express-session");
const cookieSession = require("cookie-session");
const cors = require("cors");
const mysql = require("mysql2");
const { Pool } = require("pg");

// --- tokens ---

function tokens(token, key, claims) {
  // ruleid: fixby.javascript.jwt-none-algorithm
  const one = jwt.sign(claims, "", { algorithm: "none" });
  // ruleid: fixby.javascript.jwt-none-algorithm
  const two = jwt.verify(token, key, { algorithms: ["RS256", "none"] });
  // ok: fixby.javascript.jwt-none-algorithm
  const three = jwt.sign(claims, key, { algorithm: "RS256" });
  // ok: fixby.javascript.jwt-none-algorithm
  const four = jwt.verify(token, key, { algorithms: ["RS256"] });
  // ruleid: fixby.javascript.jwt-hardcoded-key
  const five = jwt.sign(claims, "k3ttle-Brown");
  // ruleid: fixby.javascript.jwt-hardcoded-key
  const six = jwt.verify(token, "k3ttle-Brown", { algorithms: ["HS256"] });
  // ok: fixby.javascript.jwt-hardcoded-key
  const seven = jwt.sign(claims, process.env.JWT_KEY);
  // ok: fixby.javascript.jwt-hardcoded-key
  const eight = jwt.verify(token, key, { issuer: "https://shop.example" });
  return [one, two, three, four, five, six, seven, eight];
}

function who(req, res, next) {
  // ruleid: fixby.javascript.jwt-decoded-unverified
  req.user = jwt.decode(req.cookies.token);
  const token = req.headers.authorization.split(" ")[1];
  // ruleid: fixby.javascript.jwt-decoded-unverified
  const claims = jwt.decode(token);
  next(claims);
}

function whoVerified(req, res, next) {
  const token = req.headers.authorization.split(" ")[1];
  // ok: fixby.javascript.jwt-decoded-unverified
  const header = jwt.decode(token, { complete: true }).header;
  req.user = jwt.verify(token, keyFor(header.kid), { algorithms: ["RS256"] });
  next();
}

function expiry(stored) {
  // ok: fixby.javascript.jwt-decoded-unverified
  return jwt.decode(stored.token).exp;
}

// --- passwords ---

// ruleid: fixby.javascript.hardcoded-service-password
const pool = new Pool({ host: "db", user: "shop", password: "k3ttle-Brown" });
// ruleid: fixby.javascript.hardcoded-service-password
const connection = mysql.createConnection({ host: "db", password: "k3ttle-Brown" });
// ok: fixby.javascript.hardcoded-service-password
const poolFromEnv = new Pool({ host: "db", password: process.env.DB_PASSWORD });
// ok: fixby.javascript.hardcoded-service-password
const local = mysql.createConnection({ host: "localhost", password: "" });
// ok: fixby.javascript.hardcoded-service-password
const form = render({ type: "input", password: "Password" });

// --- sessions ---

// ruleid: fixby.javascript.session-secret-hardcoded
app.use(session({ secret: "keyboard kitten", resave: false }));
// ruleid: fixby.javascript.session-secret-hardcoded
app.use(cookieSession({ name: "s", keys: ["k3ttle-Brown"] }));
// ok: fixby.javascript.session-secret-hardcoded
app.use(session({ secret: process.env.SESSION_SECRET, resave: false }));
// ok: fixby.javascript.session-secret-hardcoded
app.use(cookieSession({ name: "s", keys: [process.env.KEY] }));

// ruleid: fixby.javascript.cookie-flag-disabled
app.use(session({ secret: process.env.SESSION_SECRET, cookie: { secure: false, maxAge: 60000 } }));
// ok: fixby.javascript.cookie-flag-disabled
app.use(session({ secret: process.env.SESSION_SECRET, cookie: { secure: true, httpOnly: true } }));

function cookies(res, token) {
  // ruleid: fixby.javascript.session-cookie-unprotected
  res.cookie("session", token);
  // ruleid: fixby.javascript.session-cookie-unprotected
  res.cookie("access_token", token, { secure: true });
  // ok: fixby.javascript.session-cookie-unprotected
  res.cookie("session", token, { secure: true, httpOnly: true, sameSite: "lax" });
  // ok: fixby.javascript.session-cookie-unprotected
  res.cookie("session", token, { ...COOKIE_OPTIONS, maxAge: 60000 });
  // ok: fixby.javascript.session-cookie-unprotected
  res.cookie("session", "", { maxAge: 0 });
  // ok: fixby.javascript.session-cookie-unprotected
  res.cookie("theme", "dark");
  // ruleid: fixby.javascript.cookie-flag-disabled
  res.cookie("visitor", token, { httpOnly: false });
  // ok: fixby.javascript.cookie-flag-disabled
  res.cookie("XSRF-TOKEN", token, { httpOnly: false, secure: true });
}

// --- origins ---

// ruleid: fixby.javascript.cors-any-origin-with-credentials
app.use(cors({ origin: true, credentials: true }));
// ok: fixby.javascript.cors-any-origin-with-credentials
app.use(cors({ origin: "https://shop.example", credentials: true }));
// ok: fixby.javascript.cors-any-origin-with-credentials
app.use(cors({ origin: "*" }));

app.use((req, res, next) => {
  // ruleid: fixby.javascript.cors-any-origin-with-credentials
  res.setHeader("Access-Control-Allow-Origin", req.headers.origin);
  res.setHeader("Access-Control-Allow-Credentials", "true");
  next();
});

app.use((req, res, next) => {
  if (ORIGINS.includes(req.headers.origin)) {
    // ok: fixby.javascript.cors-any-origin-with-credentials
    res.setHeader("Access-Control-Allow-Origin", req.headers.origin);
    res.setHeader("Access-Control-Allow-Credentials", "true");
  }
  next();
});

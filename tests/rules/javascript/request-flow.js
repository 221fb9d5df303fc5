const fs = require("fs");
const path = require("path");
const axios = require("axios");
const API = process.env.API;

// --- server-side requests ---

app.get("/proxy", async (req, res) => {
  // ruleid: fixby.javascript.ssrf-request
  const one = await fetch(req.query.url);
  const host = req.body.host;
  // ruleid: fixby.javascript.ssrf-request
  const two = await axios.get(`http://${host}/status`);
  // ruleid: fixby.javascript.ssrf-request
  const three = await axios({ method: "get", url: req.body.url });
  // ok: fixby.javascript.ssrf-request
  const four = await fetch(`https://api.example.org/items/${req.query.id}`);
  // ok: fixby.javascript.ssrf-request
  const five = await axios.get(`${process.env.BACKEND}/items/${req.query.id}`);
  // ok: fixby.javascript.ssrf-request
  const six = await axios.get(API + "/items", { params: { q: req.query.q } });
  // ok: fixby.javascript.ssrf-request
  const seven = await fetch(SERVICES[req.query.service]);
  if (!ALLOWED.has(host)) return;
  // ok: fixby.javascript.ssrf-request
  const eight = await fetch(host);
  res.json([one, two, three, four, five, six, seven, eight]);
});

// --- files ---

app.get("/files/:name", (req, res) => {
  // ruleid: fixby.javascript.path-traversal-request
  const text = fs.readFileSync("/srv/files/" + req.params.name);
  const file = path.join(__dirname, "files", req.query.file);
  // ruleid: fixby.javascript.path-traversal-request
  res.sendFile(file);
  // ok: fixby.javascript.path-traversal-request
  res.sendFile(req.params.name, { root: "/srv/files" });
  // ok: fixby.javascript.path-traversal-request
  fs.createReadStream(path.join("/srv/files", path.basename(req.params.name))).pipe(res);
  const full = path.resolve("/srv/files", req.query.file);
  if (!full.startsWith("/srv/files/")) return;
  // ok: fixby.javascript.path-traversal-request
  fs.unlinkSync(full);
  // ok: fixby.javascript.path-traversal-request
  fs.writeFileSync("/srv/log.txt", req.body.text);
});

// --- redirects ---

app.get("/after", (req, res) => {
  const target = req.query.next;
  // ruleid: fixby.javascript.open-redirect-request
  res.redirect(target);
  // ruleid: fixby.javascript.open-redirect-request
  res.redirect(302, req.body.url || "/");
  // ok: fixby.javascript.open-redirect-request
  res.redirect("/login?next=" + encodeURIComponent(target));
  // ok: fixby.javascript.open-redirect-request
  res.redirect(`/users/${req.params.id}`);
  // ok: fixby.javascript.open-redirect-request
  res.redirect(PAGES[req.query.page]);
});

app.get("/back", (req, res) => {
  const referrer = req.query.r;
  if (referrer && referrer.startsWith(SITE)) {
    const target = new URL(referrer);
    // ok: fixby.javascript.open-redirect-request
    return res.redirect(target.href);
  }
  // ok: fixby.javascript.open-redirect-request
  return res.redirect("/");
});

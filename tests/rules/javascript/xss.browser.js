// --- DOM ---

function show(list, user, rows) {
  // ruleid: fixby.javascript.dom-xss
  document.getElementById("tab").innerHTML = location.hash.slice(1);
  const words = new URLSearchParams(window.location.search).get("q");
  // ruleid: fixby.javascript.dom-xss, fixby.javascript.html-template-assigned
  list.insertAdjacentHTML("beforeend", `<li>${words} ${user.title}</li>`);
  // ok: fixby.javascript.dom-xss
  document.getElementById("tab").textContent = location.hash.slice(1);
  // ok: fixby.javascript.dom-xss
  list.innerHTML = DOMPurify.sanitize(decodeURIComponent(location.hash));
  // ok: fixby.javascript.dom-xss
  list.innerHTML = `<a href="?q=${encodeURIComponent(words)}">again</a>`;

  // ruleid: fixby.javascript.html-template-assigned
  list.innerHTML = `<li>${user.name}</li>`;
  // ruleid: fixby.javascript.html-template-assigned
  list.innerHTML += `<li class="new">${user.lastComment}</li>`;
  // ok: fixby.javascript.html-template-assigned
  list.innerHTML = `<li>${escapeHtml(user.name)}</li>`;
  // ok: fixby.javascript.html-template-assigned
  list.innerHTML = `<li>${rows.length}</li>`;
  // ok: fixby.javascript.html-template-assigned
  list.innerHTML = "<li>none</li>";
}

window.addEventListener("message", (event) => {
  if (event.origin !== "https://shop.example") return;
  // ruleid: fixby.javascript.dom-xss
  document.body.innerHTML = event.data.html;
});

// --- responses ---

app.get("/hello", (req, res) => {
  // ruleid: fixby.javascript.reflected-xss-request
  res.send("<h1>Hello " + req.query.name + "</h1>");
  const page = `<p>No result for ${req.params.words}`;
  // ruleid: fixby.javascript.reflected-xss-request
  res.status(404).send(page);
  // ok: fixby.javascript.reflected-xss-request
  res.send(`<h1>Hello ${escapeHtml(req.query.name)}</h1>`);
  // ok: fixby.javascript.reflected-xss-request
  res.json({ html: `<h1>${req.query.name}</h1>` });
  // ok: fixby.javascript.reflected-xss-request
  res.send("Hello " + req.query.name);
});

// --- addresses ---

function back(base) {
  const params = new URLSearchParams(window.location.search);
  const next = params.get("next");
  // ruleid: fixby.javascript.script-url-from-location
  window.location.href = next;
  // ok: fixby.javascript.script-url-from-location
  window.location.href = "/login?next=" + encodeURIComponent(next);
  // ok: fixby.javascript.script-url-from-location
  window.location.assign(`${base}/home`);
  // ruleid: fixby.javascript.script-url-from-location
  window.open(params.get("target"), "_blank");
  if (next.startsWith("/") && !next.startsWith("//")) {
    // ok: fixby.javascript.script-url-from-location
    window.location.assign(next);
  }
}

// --- messages ---

function tell(frame, data) {
  // ruleid: fixby.javascript.postmessage-any-origin
  window.parent.postMessage({ token: data.token }, "*");
  // ruleid: fixby.javascript.postmessage-any-origin
  frame.contentWindow.postMessage(data, "*");
  // ok: fixby.javascript.postmessage-any-origin
  window.parent.postMessage(data, "https://shop.example");
  // ok: fixby.javascript.postmessage-any-origin
  window.parent.postMessage("ready", "*");
}

// ruleid: fixby.javascript.message-origin-unchecked
window.addEventListener("message", (event) => {
  applySettings(event.data.settings);
});

// ruleid: fixby.javascript.message-origin-unchecked
window.onmessage = function (message) {
  run(message.data);
};

// ok: fixby.javascript.message-origin-unchecked
window.addEventListener("message", (event) => {
  if (event.origin !== window.location.origin) return;
  applySettings(event.data.settings);
});

// ok: fixby.javascript.message-origin-unchecked
window.addEventListener("message", function (event) {
  if (event.source !== frame.contentWindow) return;
  resize(event.data.height);
});

// ok: fixby.javascript.message-origin-unchecked
worker.addEventListener("message", (event) => {
  resize(event.data.height);
});

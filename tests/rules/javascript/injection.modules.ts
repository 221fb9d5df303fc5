import { execSync } from "node:child_process";
import * as cp from "child_process";
import type { Request, Response } from "express";

export function version(request: Request, response: Response) {
  // ruleid: fixby.javascript.command-injection-request, fixby.javascript.shell-command-interpolated
  execSync(`${request.params.tool} --version`);
  // ruleid: fixby.javascript.shell-command-interpolated
  cp.exec(`git log ${response.locals.branch as string}`);
  // ok: fixby.javascript.command-injection-request
  cp.execFileSync("/usr/bin/git", ["log", request.params.branch]);
  // ok: fixby.javascript.shell-command-interpolated
  cp.execFileSync("/usr/bin/git", ["log", `${response.locals.branch}`]);
}

export async function list(request: Request, pool: Pool): Promise<Row[]> {
  // ruleid: fixby.javascript.sql-injection-request
  const found = await pool.query({ text: `SELECT * FROM rows ORDER BY ${request.query.order as string}`, values: [] });
  // ok: fixby.javascript.sql-injection-request
  const all = await pool.query({ text: "SELECT * FROM rows WHERE a = $1", values: [request.query.a] });
  return [...found.rows, ...all.rows];
}

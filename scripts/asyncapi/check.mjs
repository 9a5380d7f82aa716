// Reads an AsyncAPI document with the parser of the AsyncAPI project: `node check.mjs FILE`. Exit status 0 only without errors.
import { readFileSync } from "node:fs";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

const [file] = process.argv.slice(2);
const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"), { source: file });
const errors = diagnostics.filter((found) => found.severity === DiagnosticSeverity.Error);
for (const found of errors) {
  console.error(`${file}:${found.range.start.line + 1}: ${found.path.join(".")}: ${found.message}`);
}
if (errors.length || !document) process.exit(1);
const told = { channels: document.channels().length, operations: document.operations().length, messages: document.allMessages().length };
console.log(JSON.stringify({ version: document.version(), ...told, warnings: diagnostics.length }));

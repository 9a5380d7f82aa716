// Reads AsyncAPI documents with the parser of the AsyncAPI project: `node check.mjs FILE...`. Exit status 0 only without errors.
import { readFileSync } from "node:fs";
import { DiagnosticSeverity, Parser } from "@asyncapi/parser";

const parser = new Parser();
for (const file of process.argv.slice(2)) {
  const { document, diagnostics } = await parser.parse(readFileSync(file, "utf8"), { source: file });
  const errors = diagnostics.filter((found) => found.severity === DiagnosticSeverity.Error);
  for (const found of errors) {
    console.error(`${file}:${found.range.start.line + 1}: ${found.path.join(".")}: ${found.message}`);
  }
  if (errors.length || !document) {
    process.exitCode = 1;
    continue;
  }
  const told = { channels: document.channels().length, operations: document.operations().length, messages: document.allMessages().length };
  console.log(JSON.stringify({ file, version: document.version(), ...told }));
}

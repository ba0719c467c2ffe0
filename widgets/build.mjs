// Puts src/core.js in front of each widget: one file each, that a page can pin by its hash. No dependencies.
import { readFileSync, writeFileSync } from "node:fs";

const here = (path) => new URL(path, import.meta.url);
const { version } = JSON.parse(readFileSync(here("package.json"), "utf8"));
const core = readFileSync(here("src/core.js"), "utf8");

for (const name of ["offer-grid", "deal-card"]) {
  const own = readFileSync(here(`src/${name}.js`), "utf8");
  const text = `/*! @partner-hub/widgets ${version} ${name} */\n(() => {\n"use strict";\n${core}\n${own}})();\n`;
  writeFileSync(process.argv[2] ? `${process.argv[2]}/${name}.js` : here(`${name}.js`), text);
}

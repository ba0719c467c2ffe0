// Copies the browser libraries that package-lock.json pins into static/vendor, each with its licence.
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const modules = join(here, "..", "node_modules");
const libraries = {
  bootstrap: ["dist/css/bootstrap.min.css", "dist/css/bootstrap.rtl.min.css"],
  uplot: ["dist/uPlot.iife.min.js", "dist/uPlot.min.css"],
  "@fontsource-variable/heebo": [
    "files/heebo-hebrew-wght-normal.woff2",
    "files/heebo-latin-wght-normal.woff2",
  ],
};

rmSync(join(here, "vendor"), { recursive: true, force: true });
for (const [library, files] of Object.entries(libraries)) {
  const source = join(modules, library);
  const target = join(here, "vendor", basename(library));
  mkdirSync(target, { recursive: true });
  for (const file of [...files, "LICENSE"]) {
    const copy = join(target, basename(file));
    if (!/\.(css|js)$/.test(file)) {
      cpSync(join(source, file), copy);
      continue;
    }
    // Source maps are not vendored, and the hashing file storage refuses a reference to a missing file.
    const text = readFileSync(join(source, file), "utf8");
    writeFileSync(copy, text.replace(/\n?(\/\*|\/\/)# sourceMappingURL=.*$/m, ""));
  }
  const { version } = JSON.parse(readFileSync(join(source, "package.json"), "utf8"));
  console.log(`${library} ${version}`);
}

// Checks nothing and asks nobody: bundles and minifies what `tsc` has checked. The same sources give the same bytes.
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const folder = fileURLToPath(new URL(".", import.meta.url));
// One script for each kind of page.
const pages = ["buyer", "hall", "admin", "door"].filter((page) => existsSync(`${folder}ts/${page}.ts`));

await build({
  absWorkingDir: folder,
  entryPoints: pages.map((page) => `ts/${page}.ts`),
  outdir: "built",
  bundle: true,
  minify: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  logLevel: "warning",
});

// Bundles src/ into ../attnwidget/static; `--watch` rebuilds on change, `--dev` builds the dev page.

import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const watching = process.argv.includes("--watch");
const dev = process.argv.includes("--dev");

/** @type {esbuild.BuildOptions} */
const options = {
  absWorkingDir: here,
  // Both come out under one name: widget.js and widget.css.
  entryPoints: [
    { in: "src/widget.js", out: "widget" },
    { in: "src/styles.css", out: "widget" },
    ...(dev ? [{ in: "dev/page.js", out: "page" }] : []),
  ],
  outdir: dev ? "dev/built" : "../attnwidget/static",
  bundle: true,
  format: "esm",
  target: ["es2022", "chrome111", "firefox113", "safari16.4"],
  jsx: "automatic",
  jsxImportSource: "preact",
  minify: true,
  sourcemap: dev ? "inline" : false,
  legalComments: "none",
  logLevel: "info",
};

if (watching) {
  const context = await esbuild.context(options);
  await context.watch();
} else {
  await esbuild.build(options);
}

// Bundles src/ into ../attnwidget/static; `--watch` rebuilds on change, `--dev` builds the dev page.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import * as esbuild from "esbuild";

const here = fileURLToPath(new URL(".", import.meta.url));
const watching = process.argv.includes("--watch");
const dev = process.argv.includes("--dev");

/**
 * A host keeps a copy of the script for every widget, also in the saved notebook. So it goes there
 * packed: less than half as large. The browser unpacks and imports it, as a host would import the
 * plain script itself. Zip's own header carries no date: the same source gives the same file.
 */
const packed = {
  name: "packed",
  setup(build) {
    build.onEnd(async ({ outputFiles = [] }) => {
      for (const { path, contents } of outputFiles) {
        await mkdir(dirname(path), { recursive: true });
        if (!path.endsWith("widget.js")) await writeFile(path, contents);
        else {
          const loader = await readFile(`${here}src/loader.js`, "utf8");
          const zipped = gzipSync(contents, { level: 9 }).toString("base64");
          const { code } = await esbuild.transform(loader.replace("PACKED", zipped), {
            minify: true,
            target: options.target,
          });
          await writeFile(path, code);
        }
      }
    });
  },
};

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
  ...(dev ? {} : { write: false, plugins: [packed] }),
};

/**
 * Views that the kernel sends when one is first opened. They take elements and signals from the
 * script that is there already: its function is called with one that finds them by name.
 *
 * @type {esbuild.BuildOptions}
 */
const later = {
  ...options,
  entryPoints: [{ in: "src/views/later.js", out: "later" }],
  outdir: "../attnwidget/static",
  format: "cjs",
  external: ["preact", "preact/*", "@preact/signals"],
  banner: { js: "export default(require)=>{const module={exports:{}};" },
  footer: { js: "return module.exports.default}" },
  sourcemap: false,
  write: false,
  plugins: [
    {
      name: "zipped",
      setup(build) {
        build.onEnd(async ({ outputFiles = [] }) => {
          for (const { path, contents } of outputFiles) {
            await mkdir(dirname(path), { recursive: true });
            await writeFile(`${path}.gz`, gzipSync(contents, { level: 9 }));
          }
        });
      },
    },
  ],
};

for (const each of dev ? [options] : [options, later]) {
  if (watching) await (await esbuild.context(each)).watch();
  else await esbuild.build(each);
}

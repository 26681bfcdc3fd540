import * as signals from "@preact/signals";
import * as preact from "preact";
import * as hooks from "preact/hooks";
import * as jsx from "preact/jsx-runtime";

/** The views that the kernel sends when one is first opened: views/later.js. */

/** @typedef {import("./views/later.js").Views} Views */
/** @typedef {ReturnType<typeof make_later>} Later */

/** What they share with the script that is here: elements and signals only work with their own. */
const SHARED = /** @type {Record<string, unknown>} */ ({
  preact,
  "preact/hooks": hooks,
  "preact/jsx-runtime": jsx,
  "@preact/signals": signals,
});

/** @type {import("./messages.js").Want} */
export const LATER_WANT = { key: "script||later", kind: "script" };

/**
 * @param {import("./source/live.js").Source} source
 * @param {Views | null} at_hand  Where the page has them from the start.
 */
export function make_later(source, at_hand) {
  const views = signals.signal(at_hand);
  const failed = signals.signal("");
  let is_loading = false;
  const stop = signals.effect(() => {
    const picture = source.find(LATER_WANT.key)?.picture;
    if (picture?.kind !== "script" || views.peek() || is_loading) return;
    is_loading = true;
    unpacked(picture.packed).then(
      (found) => {
        views.value = found;
      },
      (error) => {
        failed.value = String(error);
      },
    );
  });
  return { views, failed, stop };
}

/** @param {Uint8Array} packed @returns {Promise<Views>} */
async function unpacked(packed) {
  const bytes = /** @type {BlobPart} */ (packed);
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = new Blob([await new Response(plain).text()], { type: "text/javascript" });
  const url = URL.createObjectURL(script);
  try {
    const { default: make } = await import(url);
    return make((/** @type {string} */ name) => SHARED[name]);
  } finally {
    URL.revokeObjectURL(url);
  }
}

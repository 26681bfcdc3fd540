import { useEffect, useRef } from "preact/hooks";
import { looker } from "../place.js";
import { next_of } from "../search.js";

/**
 * The field that `/` opens: counts what it finds and steps through it.
 *
 * @param {{scene: import("../scene.js").Scene, ui: import("../ui.js").Ui}} props
 */
export function Search({ scene, ui }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  useEffect(() => input.current?.focus({ preventScroll: true }), [ui.searches.value]);
  const place = scene.place.value;
  const wanted = ui.search.value;
  const { list } = scene.found.value;
  if (wanted === null || !place) return null;
  const now = looker(place);
  const at = list.findIndex(([first, last]) => now !== null && now >= first && now < last);
  const side = place.direction === "from" ? "query" : "key";

  /** @param {1 | -1} by */
  const step = (by) => {
    const next = next_of(list, now, by);
    if (next !== null) scene.select({ [side]: next });
  };
  const close = () => {
    const root = /** @type {HTMLElement | null} */ (input.current?.closest(".aw-root") ?? null);
    ui.search.value = null;
    root?.focus({ preventScroll: true });
  };
  return (
    <search class="aw-search">
      <input
        ref={input}
        class="aw-search-text"
        type="text"
        dir="auto"
        spellcheck={false}
        autocomplete="off"
        placeholder="Find a token"
        aria-label="Find a token"
        value={wanted}
        onInput={(event) => {
          ui.search.value = event.currentTarget.value;
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter") step(event.shiftKey ? -1 : 1);
          else if (event.key === "Escape") close();
          else return;
          event.preventDefault();
        }}
      />
      <span class="aw-search-count" role="status">
        {wanted.trim() === ""
          ? ""
          : list.length === 0
            ? "none"
            : at < 0
              ? `${list.length} found`
              : `${at + 1} of ${list.length}`}
      </span>
      <button type="button" class="aw-step" aria-label="The one before" onClick={() => step(-1)}>
        ‹
      </button>
      <button type="button" class="aw-step" aria-label="The next one" onClick={() => step(1)}>
        ›
      </button>
      <button type="button" class="aw-step" aria-label="Close the search" onClick={close}>
        ×
      </button>
    </search>
  );
}

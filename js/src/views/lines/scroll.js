import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { scrolled_to } from "./layout.js";

/**
 * Both columns scroll by themselves; over the lines, together.
 *
 * @param {{query: number, key: number}} lengths
 * @param {number} height
 * @param {number} row
 */
export function useScrolled(lengths, height, row) {
  const queries = useSignal(0);
  const keys = useSignal(0);
  const query_scroller = useRef(/** @type {HTMLDivElement | null} */ (null));
  const key_scroller = useRef(/** @type {HTMLDivElement | null} */ (null));
  const middle = useRef(/** @type {HTMLDivElement | null} */ (null));

  /** @param {"queries" | "keys"} side @param {number} item */
  const bring = (side, item) => {
    const scroller = (side === "queries" ? query_scroller : key_scroller).current;
    const [signal, length] = side === "queries" ? [queries, lengths.query] : [keys, lengths.key];
    const to = scrolled_to(signal.peek(), height, row, item, length);
    if (scroller) scroller.scrollTop = to;
    signal.value = to;
  };

  useLayoutEffect(() => {
    const element = middle.current;
    if (!element) return undefined;
    /** @param {WheelEvent} event */
    const on_wheel = (event) => {
      const by = event.deltaMode === 1 ? 16 * event.deltaY : event.deltaY;
      let moved = false;
      for (const { current } of [query_scroller, key_scroller]) {
        if (!current) continue;
        const before = current.scrollTop;
        current.scrollTop += by;
        moved ||= current.scrollTop !== before;
      }
      // At the end of both the page scrolls on.
      if (moved) event.preventDefault();
    };
    element.addEventListener("wheel", on_wheel, { passive: false });
    return () => element.removeEventListener("wheel", on_wheel);
  }, []);

  return {
    queries,
    keys,
    query_scroller,
    key_scroller,
    middle,
    bring,
    /** @param {import("../../messages.js").Direction} direction @param {number} near @param {number | null} far */
    reveal(direction, near, far) {
      bring(direction === "from" ? "queries" : "keys", near);
      if (far !== null) bring(direction === "from" ? "keys" : "queries", far);
    },
  };
}

import { useEffect, useRef } from "preact/hooks";
import { moved, zoomed } from "../../ui.js";

/** A pointer that moves less than this, in pixels, clicks. */
const CLICK = 4;

/**
 * Pointer on the cells: move to peek, click to select, drag to pan, wheel with Ctrl or pinch to
 * zoom, double click to see all again.
 *
 * @param {import("preact").RefObject<HTMLCanvasElement>} canvas
 * @param {object} given
 * @param {import("../../drawn.js").Drawn} given.picture
 * @param {import("./layout.js").Box} given.plot
 * @param {import("@preact/signals").Signal<{query: number, key: number} | null>} given.hover
 * @param {import("../../scene.js").Scene} given.scene
 * @param {import("../../ui.js").Ui} given.ui
 */
export function usePointer(canvas, given) {
  // The listeners stay; what they look at is always the newest.
  const now = useRef(given);
  now.current = given;
  useEffect(() => {
    const element = canvas.current;
    const view = element?.ownerDocument.defaultView;
    if (!element || !view) return undefined;
    const listening = new AbortController();
    const { signal } = listening;
    /** @type {Map<number, {x: number, y: number}>} */
    const held = new Map();
    let travelled = 0;
    let carried = { x: 0, y: 0 };
    let frame = 0;

    /** @param {{clientX: number, clientY: number}} point */
    const cell_at = ({ clientX, clientY }) => {
      const box = element.getBoundingClientRect();
      const { rows, cols } = now.current.picture.region;
      /** @param {number} share @param {[number, number]} span */
      const along = (share, [first, last]) =>
        Math.min(last - 1, Math.max(first, Math.floor(first + share * (last - first))));
      return {
        query: along((clientY - box.top) / box.height, rows),
        key: along((clientX - box.left) / box.width, cols),
      };
    };

    /** @param {number} factor @param {{clientX: number, clientY: number}} point */
    const zoom = (factor, point) => {
      const { picture, ui } = now.current;
      ui.zoom.value = zoomed(picture.region, picture.place.stack, factor, cell_at(point));
    };

    /** @param {number} x @param {number} y */
    const pan = (x, y) => {
      const { picture, plot, ui } = now.current;
      const { rows, cols } = picture.region;
      carried = { x: carried.x + x, y: carried.y + y };
      const by = {
        keys: -Math.trunc((carried.x / plot.width) * (cols[1] - cols[0])),
        queries: -Math.trunc((carried.y / plot.height) * (rows[1] - rows[0])),
      };
      if (by.keys === 0 && by.queries === 0) return;
      carried = {
        x: by.keys === 0 ? carried.x : 0,
        y: by.queries === 0 ? carried.y : 0,
      };
      ui.zoom.value = moved(picture.region, picture.place.stack, by);
    };

    /** @param {PointerEvent} event */
    const peek = (event) => {
      view.cancelAnimationFrame(frame);
      frame = view.requestAnimationFrame(() => {
        now.current.hover.value = cell_at(event);
      });
    };

    /** @param {PointerEvent} event */
    const on_down = (event) => {
      if (event.button !== 0) return;
      held.set(event.pointerId, { x: event.clientX, y: event.clientY });
      if (held.size === 1) {
        travelled = 0;
        carried = { x: 0, y: 0 };
      }
    };

    /** @param {PointerEvent} event */
    const on_move = (event) => {
      const before = held.get(event.pointerId);
      if (!before) {
        if (event.pointerType !== "touch") peek(event);
        return;
      }
      const [x, y] = [event.clientX - before.x, event.clientY - before.y];
      travelled += Math.abs(x) + Math.abs(y);
      if (travelled < CLICK) return;
      if (held.size === 2) {
        const [other] = [...held].filter(([id]) => id !== event.pointerId);
        const apart = (/** @type {{x: number, y: number}} */ p) =>
          Math.hypot(p.x - other[1].x, p.y - other[1].y);
        const factor = apart({ x: event.clientX, y: event.clientY }) / Math.max(1, apart(before));
        // Whole tokens: a small step waits until it is worth one.
        if (Math.abs(Math.log(factor)) < 0.12) return;
        zoom(factor, event);
      } else if (now.current.ui.zoom.peek()) {
        if (!element.hasPointerCapture(event.pointerId)) element.setPointerCapture(event.pointerId);
        now.current.hover.value = null;
        pan(x, y);
      }
      held.set(event.pointerId, { x: event.clientX, y: event.clientY });
    };

    /** @param {PointerEvent} event */
    const on_up = (event) => {
      const clicked = held.has(event.pointerId) && held.size === 1 && travelled < CLICK;
      held.delete(event.pointerId);
      if (!clicked || now.current.picture.stale) return;
      now.current.scene.select(cell_at(event));
    };

    const forget = (/** @type {PointerEvent} */ event) => held.delete(event.pointerId);
    element.addEventListener("pointerdown", on_down, { signal });
    element.addEventListener("pointermove", on_move, { signal });
    element.addEventListener("pointerup", on_up, { signal });
    element.addEventListener("pointercancel", forget, { signal });
    element.addEventListener(
      "pointerleave",
      () => {
        view.cancelAnimationFrame(frame);
        now.current.hover.value = null;
      },
      { signal },
    );
    element.addEventListener(
      "dblclick",
      () => {
        now.current.ui.zoom.value = null;
      },
      { signal },
    );
    element.addEventListener(
      "wheel",
      (event) => {
        // A plain wheel scrolls the page; a trackpad's pinch comes as a wheel with Ctrl.
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        const pixels = event.deltaMode === 1 ? 16 * event.deltaY : event.deltaY;
        zoom(Math.exp(-Math.max(-60, Math.min(60, pixels)) / 120), event);
      },
      { signal, passive: false },
    );
    return () => {
      view.cancelAnimationFrame(frame);
      listening.abort();
    };
  }, []);
}

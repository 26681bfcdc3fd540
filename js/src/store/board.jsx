import { point_in } from "./pointer.js";

/**
 * A drawing whose parts are dragged, and whose query the arrow keys move.
 *
 * @template Handle
 * @param {{store: import("./state.js").Store, body: import("preact").RefObject<HTMLDivElement>,
 *   held: {current: Handle | null}, label: string, width: number, height: number,
 *   viewBox?: string, grab: (at: number[]) => void, drag: (handle: Handle, at: number[]) => void,
 *   children: import("preact").ComponentChildren}} props
 *   `held` is what is dragged now; `grab` sets it. Points are in pixels from the upper left corner.
 */
export function Board({ store, body, held, label, width, height, viewBox, grab, drag, children }) {
  /** @param {PointerEvent & {currentTarget: SVGSVGElement}} event */
  const take = (event) => {
    if (event.button !== 0) return;
    grab(point_in(event.currentTarget, event, width));
    event.currentTarget.setPointerCapture?.(event.pointerId);
  };
  /** @param {PointerEvent & {currentTarget: SVGSVGElement}} event */
  const pull = (event) => {
    if (held.current) drag(held.current, point_in(event.currentTarget, event, width));
  };
  const drop = () => {
    held.current = null;
    // Drawn again on the scale that now fits.
    if (store.data.peek()) store.choose({});
  };
  return (
    // Not the SVG: JupyterLab takes the focus away from what is no HTML element.
    <div
      class="aw-plane"
      ref={body}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move the query
      tabIndex={0}
      role="application"
      aria-label={label}
    >
      {width > 0 && (
        <svg
          aria-hidden="true"
          width={width}
          height={height}
          viewBox={viewBox}
          onPointerDown={take}
          onPointerMove={pull}
          onPointerUp={drop}
          onPointerCancel={drop}
        >
          {children}
        </svg>
      )}
    </div>
  );
}

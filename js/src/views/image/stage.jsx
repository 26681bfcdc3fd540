import { useMemo } from "preact/hooks";
import { Pixels } from "../../parts/pixels.jsx";
import { faded, overlay } from "./paint.js";

/** @typedef {import("./layout.js").Cells} Cells */
/** @typedef {{cell: number, grid: [number, number], as: "query" | "key" | "pointer"}} Frame */

/** Pixels of an image that is drawn so much larger are squares, as the model saw them. */
const MANY_TIMES = 4;
/** CSS pixels of a patch from which on lines stand between them. */
const LEAST_WITH_LINES = 9;

/**
 * The image with weights laid over it.
 *
 * @param {object} props
 * @param {import("../messages.js").ImagePicture} props.picture
 * @param {{width: number, height: number}} props.box  In CSS pixels.
 * @param {{over: Float32Array, top: number}} props.spread
 * @param {Cells | null} props.far  Over which cells they are.
 * @param {import("../../draw/scale.js").ScaleName} props.scale
 * @param {number} props.strength
 * @param {import("../../draw/colours.js").Scheme} props.scheme
 * @param {Frame[]} props.frames
 * @param {string} props.label
 * @param {(at: {across: number, down: number} | null) => void} props.onPoint  Shares of the width and height.
 * @param {(at: {across: number, down: number}, event: MouseEvent) => void} props.onChoose
 * @param {(event: KeyboardEvent) => void} props.onKey
 */
export function Stage(props) {
  const { picture, box, spread, far, scale, strength, scheme, frames } = props;
  const [rows, cols] = picture.shape;
  const image = useMemo(() => faded(picture.rgb, strength, scheme), [picture, strength, scheme]);
  const heat = useMemo(
    () => far && overlay(spread.over, far.items, { scale, top: spread.top, strength, scheme }),
    [spread, far, scale, strength, scheme],
  );
  const has_lines = far && box.width / far.grid[1] >= LEAST_WITH_LINES;
  /** @param {PointerEvent | MouseEvent} event */
  const at = (event) => {
    const { left, top, width, height } = /** @type {HTMLElement} */ (
      event.currentTarget
    ).getBoundingClientRect();
    const share = (/** @type {number} */ n, /** @type {number} */ of) =>
      Math.min(0.9999, Math.max(0, n / (of || 1)));
    return { across: share(event.clientX - left, width), down: share(event.clientY - top, height) };
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: no element stands for an image with parts to choose
    <div
      class="aw-image-stage"
      style={box}
      role="group"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: its patches are reached by arrow keys
      tabIndex={0}
      aria-label={props.label}
      onPointerMove={(event) => {
        if (event.pointerType !== "touch") props.onPoint(at(event));
      }}
      onPointerLeave={() => props.onPoint(null)}
      onClick={(event) => {
        event.currentTarget.focus({ preventScroll: true });
        props.onChoose(at(event), event);
      }}
      onKeyDown={props.onKey}
    >
      <Pixels pixels={image} size={[rows, cols]} smooth={box.width < MANY_TIMES * cols} />
      {heat && far && <Pixels pixels={heat} size={far.grid} />}
      {has_lines && (
        <i
          class="aw-image-lines"
          style={{ backgroundSize: `${100 / far.grid[1]}% ${100 / far.grid[0]}%` }}
        />
      )}
      {frames.map(({ cell, grid, as }) => (
        <i key={as} class={`aw-patch-frame aw-patch-${as}`} style={place_of(cell, grid)} />
      ))}
    </div>
  );
}

/** @param {number} cell @param {[number, number]} grid */
function place_of(cell, [rows, cols]) {
  return {
    left: `${(100 * (cell % cols)) / cols}%`,
    top: `${(100 * Math.floor(cell / cols)) / rows}%`,
    width: `${100 / cols}%`,
    height: `${100 / rows}%`,
  };
}

import { useMemo } from "preact/hooks";
import { Pixels } from "../../parts/pixels.jsx";
import { grey_gradient, grey_pixels, signed } from "./numbers.js";

/**
 * Signed numbers as a map of greys, one pixel each, drawn as large as there is room.
 *
 * @param {object} props
 * @param {Float32Array} props.values
 * @param {number} props.rows
 * @param {number} props.cols
 * @param {number} props.top
 * @param {import("../../draw/colours.js").Scheme} props.scheme
 * @param {string} props.label
 * @param {number | null} props.row  Framed.
 * @param {number | null} props.col  Marked.
 * @param {boolean} [props.one]  Whether the one cell of both is framed instead.
 * @param {(cell: {row: number, col: number} | null) => void} props.onPeek
 * @param {(cell: {row: number, col: number}) => void} props.onChoose
 */
export function GreyMap({
  values,
  rows,
  cols,
  top,
  scheme,
  label,
  row,
  col,
  one,
  onPeek,
  onChoose,
}) {
  const pixels = useMemo(
    () => new Uint8ClampedArray(grey_pixels(values, top, scheme).buffer),
    [values, top, scheme],
  );
  /** @param {PointerEvent | MouseEvent} event */
  const cell_of = (event) => {
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    const along = (/** @type {number} */ at, /** @type {number} */ size, /** @type {number} */ n) =>
      Math.min(n - 1, Math.max(0, Math.floor((at / (size || 1)) * n)));
    return {
      row: along(event.clientY - box.top, box.height, rows),
      col: along(event.clientX - box.left, box.width, cols),
    };
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the sliders beside it do the same
    <div
      class="aw-grey-map"
      role="img"
      aria-label={label}
      onPointerMove={(event) => onPeek(cell_of(event))}
      onPointerLeave={() => onPeek(null)}
      onClick={(event) => onChoose(cell_of(event))}
    >
      <Pixels pixels={pixels} size={[rows, cols]} />
      {one && row !== null && col !== null && (
        <i class="aw-map-cell" style={{ ...down(row, rows), ...across(col, cols) }} />
      )}
      {!one && row !== null && <i class="aw-map-row" style={down(row, rows)} />}
      {!one && col !== null && <i class="aw-map-col" style={across(col, cols)} />}
    </div>
  );
}

/** @param {number} row @param {number} rows */
const down = (row, rows) => ({ top: `${(100 * row) / rows}%`, height: `${100 / rows}%` });
/** @param {number} col @param {number} cols */
const across = (col, cols) => ({ left: `${(100 * col) / cols}%`, width: `${100 / cols}%` });

/**
 * One row of a map as bars above and below a line, under the same columns.
 *
 * @param {{values: Float32Array, top: number, at: number, label: string}} props
 */
export function RowBars({ values, top, at, label }) {
  const n = values.length;
  return (
    <svg
      class="aw-row-bars"
      viewBox={`0 0 ${n} 2`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {Array.from(values, (value, i) => {
        const size = Math.min(1, Math.abs(value) / top);
        return (
          <rect
            key={i}
            class={i === at ? "aw-bar-at" : undefined}
            x={i + 0.1}
            y={value < 0 ? 1 : 1 - size}
            width="0.8"
            height={size}
          />
        );
      })}
      <path d={`M0 1H${n}`} />
    </svg>
  );
}

/**
 * Similarity of one position with all others as a line, under the same columns.
 *
 * @param {{values: Float32Array, at: number, other: number, label: string}} props
 */
export function RowLine({ values, at, other, label }) {
  const n = values.length;
  const points = Array.from(values, (value, i) => `${i + 0.5},${(1 - value).toFixed(4)}`);
  return (
    <svg
      class="aw-row-line"
      viewBox={`0 -0.05 ${n} 2.1`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="aw-line-zero" d={`M0 1H${n}`} />
      <path class="aw-line-at" d={`M${at + 0.5} 0V2`} />
      <path class="aw-line-other" d={`M${other + 0.5} 0V2`} />
      <polyline points={points.join(" ")} />
    </svg>
  );
}

/** @param {{top: number, least?: number, scheme: import("../../draw/colours.js").Scheme}} props */
export function Legend({ top, least = -top, scheme }) {
  return (
    <span class="aw-grey-legend aw-quiet" aria-hidden="true">
      {signed(least)} <i style={{ background: grey_gradient(scheme) }} /> {signed(top)}
    </span>
  );
}

/**
 * Numbers by distance as a line, the one that is looked at marked.
 *
 * @param {{values: number[], least: number, most: number, at: number, label: string,
 *   ends: [string, string, string]}} props
 */
export function Curve({ values, least, most, at, label, ends }) {
  const last = values.length - 1;
  const [left, top] = [(100 * at) / last, (100 * (most - values[at])) / (most - least)];
  const points = values.map((value, i) => `${i},${((most - value) / (most - least)).toFixed(4)}`);
  return (
    <div class="aw-distance-curve">
      <div class="aw-map-down" aria-hidden="true">
        <span>{signed(most)}</span>
        <span>{signed(least)}</span>
      </div>
      <div class="aw-curve-room">
        <svg viewBox={`0 0 ${last} 1`} preserveAspectRatio="none" role="img" aria-label={label}>
          <path d={`M0 ${most / (most - least)}H${last}M${last / 2} 0V1`} />
          <polyline points={points.join(" ")} />
        </svg>
        <i class="aw-curve-dot" style={{ left: `${left}%`, top: `${top}%` }} />
      </div>
      <div class="aw-curve-ends" aria-hidden="true">
        {ends.map((end) => (
          <span key={end}>{end}</span>
        ))}
      </div>
    </div>
  );
}

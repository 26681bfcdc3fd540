import { useSignal } from "@preact/signals";
import { exact } from "../views/steps/numbers.js";

/**
 * @typedef {object} Said  An exact number, in words.
 * @property {string} what
 * @property {string} number
 */

/** Fewer pixels than this and bars run into each other. */
const LEAST_BAR = 2.5;
const MOST_NUMBERS_SAID = 4;

/**
 * Numbers of a vector as bars; of long ones each bar is the largest of a few.
 *
 * @param {Float32Array} values
 * @param {number} width
 * @returns {{bars: Float32Array, each: number}}
 */
export function pooled(values, width) {
  const each = Math.max(1, Math.ceil((values.length * LEAST_BAR) / Math.max(1, width)));
  if (each === 1) return { bars: values, each };
  const bars = Float32Array.from({ length: Math.ceil(values.length / each) }, (_, bar) => {
    const own = values.subarray(bar * each, (bar + 1) * each);
    return own.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a), 0);
  });
  return { bars, each };
}

/**
 * The dimensions that one bar stands for, with their numbers.
 *
 * @param {Float32Array} values
 * @param {number} bar
 * @param {number} each
 * @returns {Said}
 */
export function said_of_bar(values, bar, each) {
  const [start, stop] = [bar * each, Math.min(values.length, (bar + 1) * each)];
  const own = [...values.subarray(start, stop)];
  const shown = own.slice(0, MOST_NUMBERS_SAID).map((value) => exact(value));
  if (own.length > shown.length) {
    const largest = own.reduce((a, b) => (Math.abs(b) > Math.abs(a) ? b : a));
    return { what: `dimensions ${start} to ${stop - 1}`, number: `largest ${exact(largest)}` };
  }
  const what = own.length === 1 ? `dimension ${start}` : `dimensions ${start} to ${stop - 1}`;
  return { what, number: shown.join(", ") };
}

/**
 * A vector as little bars above and below a line. The pointer, or arrows where it has the focus, go
 * along its numbers.
 *
 * @param {object} props
 * @param {Float32Array} props.values
 * @param {number} props.scale  Size of the longest bar.
 * @param {number} props.width
 * @param {number} props.height
 * @param {"query" | "key" | "value" | "product"} props.as  Its colour.
 * @param {string} props.label  What it is a vector of.
 * @param {boolean} [props.reached]  Whether Tab leads to it.
 * @param {(said: Said | null) => void} props.onSay
 */
export function Vector({ values, scale, width, height, as, label, reached = true, onSay }) {
  const at = useSignal(/** @type {number | null} */ (null));
  const { bars, each } = pooled(values, width);
  const middle = height / 2;
  const step = width / bars.length;
  const last = bars.length - 1;
  const bar = at.value === null ? null : Math.min(at.value, last);

  /** @param {number | null} to */
  const go = (to) => {
    at.value = to;
    const said = to === null ? null : said_of_bar(values, to, each);
    onSay(said && { what: `${label}, ${said.what} of ${values.length}`, number: said.number });
  };
  /** @param {KeyboardEvent} event */
  const on_key = (event) => {
    const now = bar ?? 0;
    const to = {
      ArrowLeft: Math.max(0, now - 1),
      ArrowRight: Math.min(last, now + 1),
      Home: 0,
      End: last,
    }[event.key];
    if (to === undefined || event.shiftKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    event.stopPropagation();
    go(to);
  };
  const said = bar === null ? null : said_of_bar(values, bar, each);
  return (
    <div
      class={`aw-vector aw-vector-${as}`}
      style={{ width, height }}
      role="slider"
      tabIndex={reached ? 0 : -1}
      aria-label={`${label}, ${values.length} numbers`}
      aria-valuemin={0}
      aria-valuemax={last}
      aria-valuenow={bar ?? 0}
      aria-valuetext={said ? `${said.what}: ${said.number}` : undefined}
      onPointerMove={(event) => {
        const box = event.currentTarget.getBoundingClientRect();
        const share = (event.clientX - box.left) / (box.width || width);
        go(Math.max(0, Math.min(last, Math.floor(share * bars.length))));
      }}
      onPointerLeave={() => go(null)}
      onFocus={() => go(bar ?? 0)}
      onBlur={() => go(null)}
      onKeyDown={on_key}
    >
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
        {bar !== null && (
          <rect class="aw-vector-at" x={bar * step} width={step} y={0} height={height} />
        )}
        <path class="aw-vector-line" d={`M0 ${middle}H${width}`} />
        <path class="aw-vector-bars" d={path_of(bars, scale, step, middle)} />
      </svg>
    </div>
  );
}

/** @param {Float32Array} bars @param {number} scale @param {number} step @param {number} middle */
function path_of(bars, scale, step, middle) {
  const gap = step >= 4 ? 1 : step >= 2.5 ? 0.5 : 0;
  const width = (step - gap).toFixed(2);
  let path = "";
  bars.forEach((value, i) => {
    const length = Math.min(1, Math.abs(value) / scale) * middle;
    // Too small to be seen, or not a number.
    if (!(length > 0.05)) return;
    const top = value > 0 ? middle - length : middle;
    path += `M${(i * step).toFixed(2)} ${top.toFixed(2)}h${width}v${length.toFixed(2)}h-${width}z`;
  });
  return path;
}

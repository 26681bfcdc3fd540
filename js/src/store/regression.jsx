import { useRef } from "preact/hooks";
import { useSize } from "../parts/use_size.js";
import { Board } from "./board.jsx";
import { move_query } from "./edits.js";
import { blend_of_numbers, regression_curve, rounded } from "./numbers.js";
import { num, short_num } from "./said.js";

/** @typedef {{what: "query" | "point", at: number}} Handle */
/** @typedef {{x: [number, number], y: [number, number]}} Bounds */

const REACH = 18;
const MARGIN = { left: 44, right: 16, top: 24, bottom: 40 };
/** Pixels between points of the curve. */
const STRIDE = 3;

/** @param {number[]} numbers @returns {[number, number]} */
function padded(numbers) {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)];
  const pad = (most - least || 1) * 0.12;
  return [least - pad, most + pad];
}

/** @param {import("./state.js").Entries} entries @returns {Bounds} */
const bounds_of = ({ keys, values, query }) => ({
  x: padded([...keys.map(([x]) => x), ...query.map(([x]) => x)]),
  y: padded(/** @type {number[]} */ (values)),
});

/** Round numbers between two ends, about `count` of them. @param {[number, number]} ends @param {number} count */
export function ticks(ends, count) {
  const raw = (ends[1] - ends[0]) / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10);
  const first = Math.ceil(ends[0] / step);
  const last = Math.floor(ends[1] / step);
  return Array.from({ length: last - first + 1 }, (_, i) => rounded((first + i) * step, 6));
}

/**
 * Regression by attention: keys are x, values are y, the curve is what comes back at every x.
 *
 * @param {{store: import("./state.js").Store, view: import("./state.js").View}} props
 */
export function Regression({ store, view }) {
  const [body, { width, height }] = useSize();
  const held = useRef(/** @type {Handle | null} */ (null));
  const bounds = useRef(/** @type {Bounds} */ ({ x: [0, 1], y: [0, 1] }));
  if (!held.current) bounds.current = bounds_of(view);

  const { x: xs, y: ys } = bounds.current;
  const values = /** @type {number[]} */ (view.values);
  const across = Math.max(40, width - MARGIN.left - MARGIN.right);
  const down = Math.max(40, height - MARGIN.top - MARGIN.bottom);
  /** @param {number} x */
  const px = (x) => MARGIN.left + ((x - xs[0]) / (xs[1] - xs[0])) * across;
  /** @param {number} y */
  const py = (y) => MARGIN.top + down - ((y - ys[0]) / (ys[1] - ys[0])) * down;
  const ground = MARGIN.top + down;

  const grid = Array.from(
    { length: Math.floor(across / STRIDE) + 1 },
    (_, i) => xs[0] + ((i * STRIDE) / across) * (xs[1] - xs[0]),
  );
  const shows_weights = view.reach >= 2;
  const shows_curve = view.reach >= 3;
  const curve = shows_curve ? regression_curve(grid, view.keys, values, view.beta, view.hard) : [];
  const top = Math.max(...view.weights);

  /** @param {number[]} pixels */
  const point_at = ([x, y]) => {
    const share = Math.max(0, Math.min(1, (x - MARGIN.left) / across));
    const rise = Math.max(0, Math.min(1, (MARGIN.top + down - y) / down));
    return [
      rounded(xs[0] + share * (xs[1] - xs[0]), 4),
      rounded(ys[0] + rise * (ys[1] - ys[0]), 4),
    ];
  };
  /** @param {Handle} handle @param {number[]} to */
  const move = ({ what, at }, [x, y]) => {
    const data = store.data.peek();
    if (!data) return;
    if (what === "query") store.choose(move_query(data, at, [x]));
    else {
      store.choose({
        keys: data.keys.map((key, i) => (i === at ? [x] : key)),
        values: data.values.map((value, i) => (i === at ? y : value)),
      });
    }
  };
  /** @param {number[]} at */
  const grab = (at) => {
    const far = view.keys.map(([x], i) => Math.hypot(px(x) - at[0], py(values[i]) - at[1]));
    const nearest = far.indexOf(Math.min(...far));
    const lines = view.query.map(([x]) => Math.abs(px(x) - at[0]));
    const line = lines.indexOf(Math.min(...lines));
    if (far[nearest] <= REACH) {
      held.current = { what: "point", at: nearest };
      store.chosen.value = nearest;
    } else {
      held.current = { what: "query", at: lines[line] <= REACH ? line : view.at };
      store.at.value = held.current.at;
      move(held.current, point_at(at));
    }
  };

  return (
    <Board
      {...{ store, body, held, width, height, grab }}
      label={`Regression through ${view.keys.length} points. Left and right arrow keys move the query, at x = ${num(view.query[view.at][0])}.`}
      drag={(handle, at) => move(handle, point_at(at))}
    >
      <g class="aw-plane-grid">
        <path d={`M${MARGIN.left} ${ground}H${MARGIN.left + across}`} />
      </g>
      <g class="aw-plane-axes">
        {ticks(xs, across / 60).map((x) => (
          <text key={x} x={px(x)} y={ground + 16} text-anchor="middle">
            {short_num(x)}
          </text>
        ))}
        {ticks(ys, down / 50).map((y) => (
          <text key={y} x={MARGIN.left - 10} y={py(y) + 4} text-anchor="end">
            {short_num(y)}
          </text>
        ))}
        <text class="aw-of-key" x={MARGIN.left + across} y={ground + 31} text-anchor="end">
          key x
        </text>
        <text class="aw-of-value" x="6" y="14">
          value y
        </text>
      </g>
      {shows_curve && (
        <path
          class="aw-curve"
          d={curve
            .map((y, i) => `${i ? "L" : "M"}${px(grid[i]).toFixed(1)} ${py(y).toFixed(1)}`)
            .join("")}
        />
      )}
      {view.query.map(([x], at) => (
        <g key={at} class={`aw-arrow-query${at === view.at ? " aw-asked" : ""}`}>
          <path d={`M${px(x)} ${ground}V${MARGIN.top}`} />
          {shows_curve && (
            <circle cx={px(x)} cy={py(blend_of_numbers(view.rows[at], values))} r="7" />
          )}
          <text
            class="aw-plane-label aw-of-query"
            x={px(x)}
            y={MARGIN.top - 7}
            text-anchor="middle"
          >
            {view.query_names[at] || (view.query.length > 1 ? at + 1 : "query")}
          </text>
        </g>
      ))}
      {view.keys.map(([x], at) => {
        const weight = shows_weights ? view.weights[at] : 0.1;
        return (
          <g key={at} class={`aw-point${at === view.entry ? " aw-entry-chosen" : ""}`}>
            {shows_weights && <path d={`M${px(x)} ${ground}v${-3 - (40 * weight) / top}`} />}
            <circle cx={px(x)} cy={py(values[at])} r={4 + 4 * Math.sqrt(weight)} />
          </g>
        );
      })}
    </Board>
  );
}

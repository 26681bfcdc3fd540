import { useRef } from "preact/hooks";
import { useSize } from "../parts/use_size.js";
import { cut_middle } from "../words.js";
import { Board } from "./board.jsx";
import { move_key, move_query } from "./edits.js";
import { nice_bound, rounded } from "./numbers.js";
import { num } from "./said.js";

/** @typedef {import("./state.js").View} View */
/** @typedef {{what: "query" | "key", at: number}} Handle */
/** @typedef {{x: number, y: number, width: number, height: number}} Box */

/** Where a name may stand: its box, and the point its text hangs on. @typedef {{x: number, y: number, at: number, anchor: "start" | "middle" | "end"}} Place */

/** How near a pointer has to be, in pixels. */
const REACH = 18;
/** What a letter takes, in pixels, in a wide font. */
const FONT = 7.2;
/** Names in the plane, those of the queries and of the largest weights first. */
const MOST_LABELS = 24;
/** Letters of a name in the plane. */
const MOST_LETTERS = 18;

/** How far the plane reaches from its middle. @param {import("./state.js").Entries} entries */
export function bound_of({ keys, query }) {
  let size = 0;
  for (const vector of keys) size = Math.max(size, Math.abs(vector[0]), Math.abs(vector[1]));
  for (const vector of query) size = Math.max(size, Math.abs(vector[0]), Math.abs(vector[1]));
  return nice_bound(size * 1.08);
}

/**
 * Names beside their points, away from the middle; one that would cover another is left out.
 *
 * @param {{name: string, x: number, y: number, radius: number, strong: boolean}[]} points  The most
 *   important first; x and y from the middle, in pixels, y downwards.
 * @param {number} half  Of the plane, in pixels.
 * @param {number} room  Left and right of the plane, in pixels.
 */
export function place_labels(points, half, room) {
  /** @type {Box[]} */
  const taken = points.map(({ x, y, radius: r }) => ({
    x: x - r,
    y: y - r,
    width: 2 * r,
    height: 2 * r,
  }));
  return points.slice(0, MOST_LABELS).map(({ name, x, y, radius, strong }, i) => {
    const gap = radius + 4;
    const width = name.length * (strong ? FONT * 1.08 : FONT);
    const [left, right] = [x - gap - width, x + gap];
    /** @type {Place[]} */
    const beside = [
      { x: right, y: y - 8, anchor: "start", at: right },
      { x: left, y: y - 8, anchor: "end", at: x - gap },
    ];
    if (x < 0) beside.reverse();
    /** @type {Place[]} */
    const places = [
      ...beside,
      { x: x - width / 2, y: y - gap - 16, anchor: "middle", at: x },
      { x: x - width / 2, y: y + gap, anchor: "middle", at: x },
    ];
    const fits = places.find((place) => {
      const box = { ...place, width, height: 16 };
      const is_inside =
        box.x > -half - room && box.x + width < half + room && box.y > -half && box.y + 16 < half;
      return is_inside && !taken.some((other, j) => j !== i && is_over(box, other));
    });
    if (!fits) return null;
    taken.push({ x: fits.x, y: fits.y, width, height: 16 });
    return { x: fits.at, y: fits.y + 12, anchor: fits.anchor };
  });
}

/** @param {Box} one @param {Box} other */
function is_over(one, other) {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

/**
 * Queries and keys of two numbers as arrows in a plane, to be dragged.
 *
 * @param {{store: import("./state.js").Store, view: View}} props
 */
export function Plane({ store, view }) {
  const [body, { width, height }] = useSize();
  const held = useRef(/** @type {Handle | null} */ (null));
  // The scale stands still under the hand.
  const bound = useRef(1);
  if (!held.current) bound.current = bound_of(view);

  const half = Math.max(40, Math.min(width / 2 - 32, height / 2 - 22));
  const scale = half / bound.current;
  const room = width / 2 - half - 16;
  const shows_weights = view.reach >= 2;
  /** @param {number} at */
  const weight_at = (at) => (shows_weights ? view.weights[at] : 0.15);
  const axes = store.examples.value.recipes?.axes;

  /** @param {number[]} pixels  From the upper left corner. */
  const vector_at = ([x, y]) =>
    [(x - width / 2) / scale, (height / 2 - y) / scale].map((number) =>
      rounded(Math.max(-bound.current, Math.min(bound.current, number)), 4),
    );
  /** @param {Handle} handle @param {number[]} to */
  const move = ({ what, at }, to) => {
    const data = store.data.peek();
    if (data) store.choose((what === "query" ? move_query : move_key)(data, at, to));
  };
  /** @param {number[]} point */
  const grab = (point) => {
    const [x, y] = [point[0] - width / 2, point[1] - height / 2];
    /** @type {{handle: Handle, far: number}[]} */
    const near = [];
    /** @param {Handle["what"]} what @param {number[][]} vectors */
    const look = (what, vectors) => {
      vectors.forEach(([a, b], at) => {
        near.push({ handle: { what, at }, far: Math.hypot(a * scale - x, -b * scale - y) });
      });
    };
    // Queries first: one that lies on a key is the one that is meant.
    look("query", view.query);
    look("key", view.keys);
    near.sort((one, other) => one.far - other.far);
    const handle = near[0].far <= REACH ? near[0].handle : null;
    held.current = handle ?? { what: "query", at: view.at };
    if (handle?.what === "query") store.at.value = handle.at;
    if (handle?.what === "key") store.chosen.value = handle.at;
    if (!handle) move(held.current, vector_at(point));
  };

  const points = [
    ...view.query.map((q, at) => ({
      what: "query",
      at,
      q,
      name: view.query_names[at] || (view.query.length > 1 ? `query ${at + 1}` : "query"),
    })),
    ...view.order.map((at) => ({ what: "key", at, q: view.keys[at], name: view.names[at] })),
  ].map((point) => ({
    ...point,
    x: point.q[0] * scale,
    y: -point.q[1] * scale,
    name: point.name.length > MOST_LETTERS ? cut_middle(point.name, MOST_LETTERS) : point.name,
    radius: point.what === "query" ? 11 : 5 + 5 * Math.sqrt(weight_at(point.at)),
    strong:
      point.what === "query" ? point.at === view.at : shows_weights && point.at === view.order[0],
  }));
  const labels = width > 0 ? place_labels(points, half + 14, room) : [];

  return (
    <Board
      {...{ store, body, held, width, height, grab }}
      label={`Plane with ${view.keys.length} keys. Arrow keys move ${view.query_name}, at ${num(view.query[view.at][0])}, ${num(view.query[view.at][1])}.`}
      viewBox={`${-width / 2} ${-height / 2} ${width} ${height}`}
      drag={(handle, point) => move(handle, vector_at(point))}
    >
      <g class="aw-plane-grid">
        <circle r={half} />
        <circle r={half / 2} />
        <path d={`M${-half} 0H${half}M0 ${-half}V${half}`} />
      </g>
      {axes && (
        <g class="aw-plane-axes">
          <text x={-half + 4} y="-6">
            {axes[0]}
          </text>
          <text x={half - 4} y="-6" text-anchor="end">
            {axes[1]}
          </text>
          <text x="6" y={half - 6}>
            {axes[2]}
          </text>
          <text x="6" y={-half + 14}>
            {axes[3]}
          </text>
        </g>
      )}
      {[...points].reverse().map(({ what, at, x, y }) => {
        const weight = weight_at(at);
        return what === "query" ? (
          <g key={`q${at}`} class={`aw-arrow-query${at === view.at ? " aw-asked" : ""}`}>
            <path d={`M0 0L${x} ${y}`} />
            <circle cx={x} cy={y} r={at === view.at ? 9 : 7} />
          </g>
        ) : (
          <g key={`k${at}`} class={`aw-arrow-key${at === view.entry ? " aw-entry-chosen" : ""}`}>
            <path
              d={`M0 0L${x} ${y}`}
              stroke-width={(1 + 5 * weight).toFixed(2)}
              opacity={(0.25 + 0.55 * Math.sqrt(weight)).toFixed(2)}
            />
            <circle cx={x} cy={y} r={4 + 5 * Math.sqrt(weight)} />
          </g>
        );
      })}
      {labels.map((label, i) => {
        const { what, at, name, strong } = points[i];
        return (
          label && (
            <text
              key={`${what}${at}`}
              class={`aw-plane-label aw-of-${what}${strong ? " aw-strong" : ""}`}
              x={label.x}
              y={label.y}
              text-anchor={label.anchor}
            >
              {name}
            </text>
          )
        );
      })}
    </Board>
  );
}

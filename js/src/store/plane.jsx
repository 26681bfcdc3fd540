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
/** @typedef {{name: string, x: number, y: number, radius: number, strong: boolean, kept?: boolean}} Point */

/** How near a pointer has to be, in pixels. */
const REACH = 18;
/** What a letter takes, in pixels, in a wide font. */
const FONT = 7.2;
/** What a name takes from top to bottom, in pixels. */
const HIGH = 16;
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
 * Where a name of that width may stand, the best place first: beside its point, away from the middle;
 * above and below; and at the four corners.
 *
 * @param {Point} point
 * @param {number} width
 * @param {number} gap  From the middle of the point.
 * @returns {Place[]}
 */
function places_around({ x, y }, width, gap) {
  const [left, right] = [x - gap - width, x + gap];
  const [above, below] = [y - gap - HIGH, y + gap];
  // At a corner the circle leaves more room.
  const near = gap * 0.6;
  /** @type {Place[][]} */
  const sides = [
    [
      { x: right, y: y - HIGH / 2, anchor: "start", at: right },
      { x: left, y: y - HIGH / 2, anchor: "end", at: x - gap },
    ],
    [
      { x: x + near, y: y - near - HIGH, anchor: "start", at: x + near },
      { x: x - near - width, y: y - near - HIGH, anchor: "end", at: x - near },
    ],
    [
      { x: x + near, y: y + near, anchor: "start", at: x + near },
      { x: x - near - width, y: y + near, anchor: "end", at: x - near },
    ],
    [
      { x, y: above, anchor: "start", at: x },
      { x: x - width, y: above, anchor: "end", at: x },
    ],
    [
      { x, y: below, anchor: "start", at: x },
      { x: x - width, y: below, anchor: "end", at: x },
    ],
  ];
  if (x < 0) for (const pair of sides) pair.reverse();
  const [beside, ...corners] = sides;
  return [
    ...beside,
    { x: x - width / 2, y: above, anchor: "middle", at: x },
    { x: x - width / 2, y: below, anchor: "middle", at: x },
    ...corners.flat(),
  ];
}

/** The arrow of a point runs through the box. @param {Box} box @param {Point} point */
function is_on_arrow(box, point) {
  // The part of the way from the middle, 0 to 1, on which it is within the box in x and in y.
  let [from, to] = [0, 1];
  for (const [start, size, far] of [
    [box.x, box.width, point.x],
    [box.y, box.height, point.y],
  ]) {
    if (far === 0) {
      if (start > 0 || start + size < 0) return false;
      continue;
    }
    const ends = [start / far, (start + size) / far];
    from = Math.max(from, Math.min(...ends));
    to = Math.min(to, Math.max(...ends));
  }
  return from < to;
}

/**
 * Names beside their points and their arrows, away from the middle; one that would cover another is
 * left out.
 *
 * @param {Point[]} points  The most important first; x and y from the middle, in pixels, y downwards.
 *   `kept`: one whose name is to be seen, if need be farther off or on its arrow.
 * @param {number} half  Of the plane, in pixels.
 * @param {number} room  Left and right of the plane, in pixels.
 * @param {Box[]} [others]  What else is written in the plane.
 */
export function place_labels(points, half, room, others = []) {
  /** @type {Box[]} */
  const taken = points.map(({ x, y, radius: r }) => ({
    x: x - r,
    y: y - r,
    width: 2 * r,
    height: 2 * r,
  }));
  taken.push(...others);
  return points.slice(0, MOST_LABELS).map((point, i) => {
    const { name, radius, strong, kept = false } = point;
    const width = name.length * (strong ? FONT * 1.08 : FONT);
    /** @param {Place} place */
    const box_of = ({ x, y }) => ({ x, y, width, height: HIGH });
    /** @param {number} gap */
    const free_at = (gap) =>
      places_around(point, width, gap).filter((place) => {
        const box = box_of(place);
        const is_inside =
          box.x > -half - room &&
          box.x + width < half + room &&
          box.y > -half &&
          box.y + HIGH < half;
        return is_inside && !taken.some((other, j) => j !== i && is_over(box, other));
      });
    const all = (kept ? [4, 14, 26] : [4]).flatMap((gap) => free_at(radius + gap));
    const fits =
      all.find((place) => !is_on_arrow(box_of(place), point)) ?? (kept ? all[0] : undefined);
    if (!fits) return null;
    taken.push(box_of(fits));
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

/** Where the names of the axes stand: left, right, below, above. @param {string[]} axes @param {number} half @returns {Box[]} */
function boxes_of(axes, half) {
  return axes.map((name, i) => {
    const width = name.length * FONT;
    const x = [-half + 4, half - 4 - width, 6, 6][i];
    return { x, y: [-18, -18, half - 18, -half + 2][i], width, height: HIGH };
  });
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
  ].map((point) => {
    const is_query = point.what === "query";
    return {
      ...point,
      x: point.q[0] * scale,
      y: -point.q[1] * scale,
      name: point.name.length > MOST_LETTERS ? cut_middle(point.name, MOST_LETTERS) : point.name,
      radius: is_query ? 11 : 5 + 5 * Math.sqrt(weight_at(point.at)),
      strong: is_query ? point.at === view.at : shows_weights && point.at === view.order[0],
      kept: is_query,
    };
  });
  const labels = width > 0 ? place_labels(points, half + 14, room, boxes_of(axes ?? [], half)) : [];

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

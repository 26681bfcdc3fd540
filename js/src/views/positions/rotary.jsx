import { useState } from "preact/hooks";
import { Curve } from "./charts.jsx";
import { rotary_score, turned } from "./formulas.js";
import { signed, signed_whole } from "./numbers.js";
import { Slider } from "./slider.jsx";

/** @typedef {import("./formulas.js").Pair} Pair */

/** One pair of numbers of a query and a key, and how far it turns per position. */
const Q = /** @type {const} */ ([0.94, 0.34]);
const K = /** @type {const} */ ([0.72, -0.3]);
const OMEGA = 0.2;
/** The plane, in pixels: as large as the longest arrow and its letter. */
const SIZE = 208;
const RADIUS = 84;

/**
 * Two arrows that turn with their positions, and the score that depends on the distance alone.
 *
 * @param {{n: number, at: number, slider: import("preact").ComponentChild, said: (position: number) => string,
 *   onChoose: (position: number) => void}} props
 */
export function Rotary({ n, at, slider, said, onChoose }) {
  const [chosen, set_chosen] = useState(/** @type {number | null} */ (null));
  const other = Math.min(n - 1, chosen ?? Math.max(0, at - 3));
  const apart = at - other;
  /** @param {number} by */
  const move_both = (by) => {
    set_chosen(other + by);
    onChoose(at + by);
  };
  const is_inside = (/** @type {number} */ by) =>
    Math.min(at, other) + by >= 0 && Math.max(at, other) + by < n;
  const distances = Array.from({ length: 2 * n - 1 }, (_, i) => i - (n - 1));
  const reach = Math.hypot(...Q) * Math.hypot(...K);
  return (
    <>
      <div class="aw-positions-controls">
        {slider}
        <Slider
          label="position s"
          value={other}
          most={n - 1}
          said={said(other)}
          of="key"
          onChoose={set_chosen}
        />
        <span class="aw-move-both">
          both{" "}
          {[-1, 1].map((by) => (
            <button
              key={by}
              type="button"
              class="aw-button"
              aria-label={by < 0 ? "Both one position back" : "Both one position on"}
              disabled={!is_inside(by)}
              onClick={() => move_both(by)}
            >
              {by < 0 ? "− 1" : "+ 1"}
            </button>
          ))}
        </span>
      </div>
      <div class="aw-positions-maps">
        <Plane t={at} s={other} />
        <section class="aw-positions-curve">
          <h3 class="aw-heading">Score by distance t − s</h3>
          <Curve
            values={distances.map((distance) => rotary_score(Q, K, OMEGA, distance, 0))}
            least={-reach}
            most={reach}
            at={apart + n - 1}
            label={`The score at distances from ${1 - n} to ${n - 1}`}
            ends={[signed_whole(1 - n), "0", String(n - 1)]}
          />
          <table class="aw-score-table" aria-live="polite">
            <thead>
              <tr>
                <th scope="col" class="aw-of-query">
                  t
                </th>
                <th scope="col" class="aw-of-key">
                  s
                </th>
                <th scope="col">t − s</th>
                <th scope="col">
                  q<sub>t</sub> · k<sub>s</sub>
                </th>
              </tr>
            </thead>
            <tbody>
              {places_alike(at, other).map(([t, s, name]) => (
                <tr key={name} class={name}>
                  <td>{t}</td>
                  <td>{s}</td>
                  <td>{signed_whole(t - s)}</td>
                  <td>
                    <b title={String(rotary_score(Q, K, OMEGA, t, s))}>
                      {signed(rotary_score(Q, K, OMEGA, t, s))}
                    </b>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      </div>
      <p class="aw-taught-note">
        An illustration, not this model: q = ({Q.map(signed).join(", ")}) and k = (
        {K.map(signed).join(", ")}), turned by ω = {OMEGA} radians per position. Su et al. 2021 do
        this to each pair of numbers of a query and a key, every pair with an ω of its own: 10000
        <sup>−2i/d</sup>.
      </p>
    </>
  );
}

/** Here, two more places as far apart, and one a step nearer. @param {number} t @param {number} s @returns {[number, number, string][]} */
const places_alike = (t, s) => [
  [t, s, "aw-here"],
  [t + 1, s + 1, "aw-next"],
  [t + 20, s + 20, "aw-later"],
  [t + 1, s, "aw-apart"],
];

/** The arrows of q and k, as they are and turned. @param {{t: number, s: number}} props */
function Plane({ t, s }) {
  const middle = SIZE / 2;
  /** @param {Pair} pair @param {number} length */
  const point = ([x, y], length) => [middle + RADIUS * length * x, middle - RADIUS * length * y];
  /** @type {[string, Pair, Pair][]} */
  const arrows = [
    ["key", K, turned(K, s * OMEGA)],
    ["query", Q, turned(Q, t * OMEGA)],
  ];
  return (
    <section class="aw-positions-plane">
      <h3 class="aw-heading">
        <span class="aw-of-query">q</span> turned by t · ω, <span class="aw-of-key">k</span> by s ·
        ω
      </h3>
      <svg
        viewBox={`0 0 ${SIZE} ${SIZE}`}
        role="img"
        aria-label={`q turned by ${signed(t * OMEGA)} radians, k by ${signed(s * OMEGA)}`}
      >
        <path class="aw-plane-cross" d={`M${middle} 4V${SIZE - 4}M4 ${middle}H${SIZE - 4}`} />
        {arrows.map(([of, own, now]) => {
          const [x, y] = point(now, 1);
          const [ax, ay] = point(own, 1);
          const length = Math.hypot(...now);
          const [lx, ly] = point(now, 1 + 0.16 / length);
          const degrees = (-180 * Math.atan2(now[1], now[0])) / Math.PI;
          return (
            <g key={of} class={`aw-turned-${of}`}>
              <path class="aw-unturned" d={`M${middle} ${middle}L${ax} ${ay}`} />
              <path d={`M${middle} ${middle}L${x} ${y}`} />
              <path
                class="aw-arrow-head"
                d="M0 0L-9 -4.5V4.5Z"
                transform={`translate(${x} ${y}) rotate(${degrees})`}
              />
              <text x={lx} y={ly + 4} text-anchor="middle">
                {of === "query" ? "q" : "k"}
              </text>
            </g>
          );
        })}
      </svg>
    </section>
  );
}

export const RotaryInWords = () => (
  <>
    Rotary: a pair of numbers of a <span class="aw-of-query">query at t</span> and of a{" "}
    <span class="aw-of-key">key at s</span> is turned by t · ω and s · ω. The score depends on t − s
    alone: it stays when both move together.
  </>
);

import { DECADES, SCALES, scale_of } from "../draw/scale.js";
import { turn } from "../keys.js";
import { in_powers, percent } from "../words.js";
import { Segmented } from "./segmented.jsx";

/** @typedef {import("../draw/scale.js").ScaleName} ScaleName */

const DIRECTIONS = /** @type {const} */ ([
  ["from", "looks at"],
  ["to", "is looked at"],
]);

/**
 * Which way links are followed.
 *
 * @param {{scene: import("../scene.js").Scene, state: import("../state.js").State}} props
 */
export function DirectionChoice({ scene, state }) {
  return (
    <Segmented
      label="Direction"
      value={state.direction.value}
      options={DIRECTIONS}
      onChoose={(direction) => {
        if (direction !== state.direction.peek()) turn({ scene, state });
      }}
    />
  );
}

/**
 * Under the lines: direction, how much of each row is drawn, and what the washes mean.
 *
 * @param {{scene: import("../scene.js").Scene, state: import("../state.js").State}} props
 */
export function LinesControls({ scene, state }) {
  const mass = state.mass.value;
  const direction = state.direction.value;
  return (
    <div class="aw-controls">
      <DirectionChoice scene={scene} state={state} />
      <label class="aw-mass">
        <input
          type="range"
          min="0.1"
          max="1"
          step="0.05"
          value={mass}
          aria-label={`Share of each ${direction === "from" ? "row" : "column"} that is drawn`}
          onInput={(event) => state.choose({ mass: Number(event.currentTarget.value) })}
        />
        <span>
          {percent(mass)} of each {direction === "from" ? "row" : "column"}
        </span>
      </label>
      <WashLegend scene={scene} state={state} />
    </div>
  );
}

/**
 * What the colour behind the words means, in numbers, and on which scale.
 *
 * @param {{scene: import("../scene.js").Scene, state: import("../state.js").State}} props
 */
export function WashLegend({ scene, state }) {
  const row = scene.row.value;
  const name = state.scale.value;
  const has_first = row?.direction === "from" && scene.strung.value?.has_sink === true;
  const whole = row?.whole || 1;
  const value = (/** @type {number} */ weight) => Math.abs(weight) / whole;
  const scale = row && scale_of(name, row.weights, [1, row.weights.length], { has_first, value });
  return (
    <span class="aw-wash-legend">
      {scale && (
        <>
          {row.signed && (
            <>
              <span>{percent(-scale.top)}</span>
              <i class="aw-wash-ramp aw-minus" />
            </>
          )}
          <span>{name === "log" ? in_powers(scale.top / 10 ** DECADES) : "0"}</span>
          <i class={`aw-wash-ramp${row.signed ? " aw-plus" : ""}`} />
          <span>
            {scale.beyond > scale.top && "≥ "}
            {percent(scale.top)}
          </span>
        </>
      )}
      <select
        class="aw-scale-name"
        aria-label="Colour scale"
        title="Scale of the colour behind the words"
        value={name}
        onChange={(event) =>
          state.choose({ scale: /** @type {ScaleName} */ (event.currentTarget.value) })
        }
      >
        {SCALES.map(([option, words]) => (
          <option key={option} value={option}>
            {words}
          </option>
        ))}
      </select>
    </span>
  );
}

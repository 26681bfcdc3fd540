import { ramp_gradient } from "../draw/colours.js";
import { DECADES, SCALES } from "../draw/scale.js";
import { in_powers, weight_in_words } from "../words.js";

/** @typedef {import("../draw/scale.js").Scale} Scale */

/**
 * What the colours mean, in numbers; the scale is chosen here.
 *
 * @param {{scale: Scale, block?: [number, number],
 *   marks?: {masked: boolean, not_numbers: boolean}, signed?: boolean,
 *   scheme: import("../draw/colours.js").Scheme, onScale: (name: Scale["name"]) => void}} props
 */
export function Legend({ scale, block = [1, 1], marks, signed, scheme, onScale }) {
  const pooled = block[0] > 1 || block[1] > 1;
  const { name, top, beyond } = scale;
  const by_row = name === "row";
  const least = name === "log" ? in_powers(top / 10 ** DECADES) : "0";
  return (
    <div class="aw-legend">
      <div class="aw-scale">
        {signed ? (
          <div class="aw-ramp aw-ramp-signed">
            <i class="aw-striped" style={{ backgroundImage: ramp_gradient(scheme, "below") }} />
            <i style={{ backgroundImage: ramp_gradient(scheme, "above") }} />
          </div>
        ) : (
          <div class="aw-ramp" style={{ backgroundImage: ramp_gradient(scheme) }} />
        )}
        <span class="aw-ramp-ends">
          {signed && <span>{by_row ? "−" : weight_in_words(-top)}</span>}
          <span>{least}</span>
          <span>
            {by_row ? "row's largest" : `${beyond > top ? "≥ " : ""}${weight_in_words(top)}`}
          </span>
        </span>
      </div>
      <div class="aw-legend-words">
        <select
          class="aw-scale-name"
          aria-label="Colour scale"
          title="Colour scale"
          value={name}
          onChange={(event) => onScale(/** @type {Scale["name"]} */ (event.currentTarget.value))}
        >
          {SCALES.map(([option, words]) => (
            <option key={option} value={option}>
              {words} scale
            </option>
          ))}
        </select>
        {beyond > top && (
          <span>the first token (up to {weight_in_words(beyond)}) does not set the scale</span>
        )}
        {pooled && (
          <span>
            each cell: the largest of {block[0]} × {block[1]} weights
          </span>
        )}
        {marks?.masked && (
          <span>
            <i class="aw-swatch aw-swatch-masked" /> masked
          </span>
        )}
        {marks?.not_numbers && (
          <span>
            <i class="aw-swatch aw-swatch-nan" /> not a number
          </span>
        )}
      </div>
    </div>
  );
}

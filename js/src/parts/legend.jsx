import { ramp_gradient } from "../draw/colours.js";
import { weight_in_words } from "../words.js";

/**
 * What the colours mean, in numbers.
 *
 * @param {{max: number, block: [number, number], marks: {masked: boolean, not_numbers: boolean},
 *   scheme: import("../draw/colours.js").Scheme}} props
 */
export function Legend({ max, block, marks, scheme }) {
  const pooled = block[0] > 1 || block[1] > 1;
  return (
    <div class="aw-legend">
      <div class="aw-scale">
        <div class="aw-ramp" style={{ backgroundImage: ramp_gradient(scheme) }} />
        <span class="aw-ramp-ends">
          <span>0</span>
          <span>{weight_in_words(max)}</span>
        </span>
      </div>
      <div class="aw-legend-words">
        <span>square root scale</span>
        {pooled && (
          <span>
            each cell: the largest of {block[0]} × {block[1]} weights
          </span>
        )}
        {marks.masked && (
          <span>
            <i class="aw-swatch aw-swatch-masked" /> masked
          </span>
        )}
        {marks.not_numbers && (
          <span>
            <i class="aw-swatch aw-swatch-nan" /> not a number
          </span>
        )}
      </div>
    </div>
  );
}

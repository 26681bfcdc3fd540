import { useMemo, useState } from "preact/hooks";
import { Curve, GreyMap, Legend } from "./charts.jsx";
import { bias_of, biases } from "./formulas.js";
import { signed, signed_whole } from "./numbers.js";
import { Slider } from "./slider.jsx";

/** Slopes of the heads of Press et al. 2022: 1/2, 1/4, ... 1/256. */
const [STEEPEST, FLATTEST] = [1, 8];

/**
 * A bias for each distance, as a matrix over positions and as a curve.
 *
 * @param {{n: number, at: number, scheme: import("../../draw/colours.js").Scheme,
 *   slider: import("preact").ComponentChild, said: (position: number) => string,
 *   onChoose: (position: number) => void}} props
 */
export function Relative({ n, at, scheme, slider, said, onChoose }) {
  const [power, set_power] = useState(2);
  const [col, set_col] = useState(0);
  const [peek, set_peek] = useState(/** @type {{row: number, col: number} | null} */ (null));
  const slope = 2 ** -power;
  const here = peek ?? { row: at, col: Math.min(col, n - 1) };
  const bias = bias_of(here.row - here.col, slope);
  // One scale for all slopes, so that a steep one is seen to be steep.
  const top = (n - 1) / 2 ** STEEPEST;
  // None is above 0: the whole of the greys is theirs.
  const values = useMemo(() => biases(n, slope).map((b) => top + 2 * b), [n, slope]);
  const distances = Array.from({ length: 2 * n - 1 }, (_, i) => i - (n - 1));
  return (
    <>
      <div class="aw-positions-controls">
        {slider}
        <Slider
          label="position s"
          value={Math.min(col, n - 1)}
          most={n - 1}
          said={said(Math.min(col, n - 1))}
          of="key"
          onChoose={set_col}
        />
        <label class="aw-positions-slider">
          <span>
            slope <i>m</i> <b>1/{2 ** power}</b>
          </span>
          <input
            type="range"
            min={STEEPEST}
            max={FLATTEST}
            // To the right it is steeper.
            value={STEEPEST + FLATTEST - power}
            aria-label="slope"
            aria-valuetext={`1/${2 ** power}`}
            onInput={(event) => set_power(STEEPEST + FLATTEST - Number(event.currentTarget.value))}
          />
        </label>
      </div>
      <div class="aw-positions-maps">
        <section class="aw-positions-square">
          <h3 class="aw-heading">
            Bias: <span class="aw-of-query">t</span> down, <span class="aw-of-key">s</span> across
          </h3>
          <GreyMap
            {...{ values, top, scheme }}
            rows={n}
            cols={n}
            label={`Biases of ${n} × ${n} positions, the same along every diagonal`}
            row={here.row}
            col={here.col}
            onPeek={set_peek}
            onChoose={(cell) => {
              onChoose(cell.row);
              set_col(cell.col);
            }}
          />
          <Legend least={-top} top={0} scheme={scheme} />
        </section>
        <section class="aw-positions-curve">
          <h3 class="aw-heading">Bias by distance t − s</h3>
          <Curve
            values={distances.map((distance) => bias_of(distance, slope))}
            least={-top}
            most={0}
            at={here.row - here.col + n - 1}
            label={`The bias falls by ${slope} for each position of distance`}
            ends={[signed_whole(1 - n), "0", String(n - 1)]}
          />
          <p class="aw-formula-said" aria-live="polite">
            b({here.row} − {here.col}) = −m · {Math.abs(here.row - here.col)} ={" "}
            <b title={String(bias)}>{signed(bias)}</b>: the key's weight is multiplied by e
            <sup>b</sup> = <b>{signed(Math.exp(bias))}</b> before all are made to sum to 1.
          </p>
        </section>
      </div>
      <p class="aw-taught-note">
        An illustration, not this model: the bias of ALiBi (Press et al. 2022), −m · |t − s|, with a
        slope m for each head; in a causal model only keys up to t count. Shaw et al. 2018 and T5
        learn what belongs to a distance instead.
      </p>
    </>
  );
}

export const RelativeInWords = () => (
  <>
    Relative: nothing is added to the embeddings. Each score of a{" "}
    <span class="aw-of-query">query at t</span> and a <span class="aw-of-key">key at s</span> gets a
    bias that depends on the distance t − s alone.
  </>
);

import { useMemo, useState } from "preact/hooks";
import { useSize } from "../../parts/use_size.js";
import { nice_bound } from "../../store/numbers.js";
import { num } from "../../store/said.js";
import { plural } from "../../words.js";
import { Bars, Histogram, MeanBar } from "./charts.jsx";
import { draw_scores, KEYS, measured, nearest_size, QUERIES, SIZES } from "./numbers.js";

/** @typedef {import("../messages.js").ScalingPicture} ScalingPicture */

const FIRST_SEED = 4;
/** Two parts stand side by side where there is room for both. */
const ROOM_FOR_TWO = 620;
/** A scale that is 1/√d but for rounding. */
const ALIKE = 1e-4;

/** Why scores are divided by √d: tried with random vectors, and measured on the reader's model.
 * @param {import("../../app.jsx").ViewProps} props */
export function ScalingView({ scene }) {
  const [ref, size] = useSize();
  const own = scene.own.value;
  const wide = size.width >= ROOM_FOR_TWO;
  const picture = own?.picture.kind === "scaling" ? own.picture : null;
  return (
    <div class="aw-taught aw-scaling" ref={ref}>
      <p class="aw-taught-said">
        The longer the vectors, the farther apart their scores <Products />: the variance grows as
        d, and the softmax gives nearly all to one key. Divided by √d, both stay as they are.
      </p>
      <div class={wide ? "aw-scaling-parts" : "aw-scaling-narrow"}>
        <Experiment d={picture?.d ?? null} wide={wide} />
        <section class={`aw-scaling-part${own?.stale ? " aw-stale" : ""}`}>
          <h3 class="aw-heading">On your model</h3>
          {picture ? <OnModel picture={picture} /> : <p class="aw-quiet">Measuring …</p>}
        </section>
        {!wide && <OfRandom />}
      </div>
    </div>
  );
}

/** @param {{d: number | null, wide: boolean}} props  `d`: the model's own, where it is known. */
function Experiment({ d: own_d, wide }) {
  const [seed, set_seed] = useState(FIRST_SEED);
  const [chosen, set_chosen] = useState(/** @type {number | null} */ (null));
  const d = chosen ?? nearest_size(own_d);
  const drawn = useMemo(() => draw_scores(seed), [seed]);
  // One axis for all d: what is narrow stays narrow, and what grows is seen to grow.
  const bound = nice_bound(
    Math.max(...(drawn.get(SIZES[SIZES.length - 1]) ?? []).flat().map(Math.abs)),
  );
  const rows = drawn.get(d) ?? [];
  const [plain, scaled] = [measured(rows, 1), measured(rows, 1 / Math.sqrt(d))];
  return (
    <section class="aw-scaling-part">
      <h3 class="aw-heading">With random vectors</h3>
      <div class="aw-scaling-slider">
        <b>d = {d}</b>
        <input
          type="range"
          min="0"
          max={SIZES.length - 1}
          step="1"
          aria-label="d, the number of entries of q and k"
          aria-valuetext={`d = ${d}`}
          value={SIZES.indexOf(d)}
          onInput={(event) => set_chosen(SIZES[Number(event.currentTarget.value)])}
        />
        <button type="button" class="aw-button" onClick={() => set_seed(seed + 1)}>
          Draw again
        </button>
      </div>
      <div class="aw-scaling-pair">
        {[
          { name: <Products />, of: plain, expected: d },
          { name: <Products by={`÷ √${d}`} />, of: scaled, expected: 1 },
        ].map(({ name, of, expected }, i) => (
          <div key={i === 0 ? "plain" : "scaled"} class="aw-scaling-column">
            <h4>{name}</h4>
            <Histogram numbers={of.scores} bound={bound} />
            <p>
              variance <b>{num(of.variance)}</b>{" "}
              <span class="aw-quiet">
                ≈ {i === 0 ? "d = " : ""}
                {expected}
              </span>
            </p>
            <Bars weights={of.weights} />
            <p>
              largest <b>{of.largest.toFixed(2)}</b>{" "}
              <span class="aw-quiet">mean {of.mean_largest.toFixed(2)}</span>
            </p>
          </div>
        ))}
      </div>
      {wide && <OfRandom />}
    </section>
  );
}

/** What the random vectors are, in words. */
function OfRandom() {
  return (
    <p class="aw-taught-note">
      With random vectors: {QUERIES * KEYS} scores of q and k with independent entries of variance
      1; under them, the softmax over the {KEYS} keys of one query, and the mean of its largest
      weight over all {QUERIES} queries.
    </p>
  );
}

/** @param {{by?: string}} props */
function Products({ by }) {
  return (
    <>
      <span class="aw-of-query">q</span>·<span class="aw-of-key">k</span>
      {by && ` ${by}`}
    </>
  );
}

/** @param {{picture: ScalingPicture}} props */
function OnModel({ picture }) {
  const { layer, head, d, scale, measured: of, why_not } = picture;
  const where = `Layer ${layer}, head ${head}`;
  if (!of || d === null || scale === null) {
    return (
      <p>
        {where}: {why_not}
      </p>
    );
  }
  const root = 1 / Math.sqrt(d);
  const is_divided = Math.abs(scale - root) <= ALIKE * root;
  const is_plain = Math.abs(scale - 1) <= ALIKE && d > 1;
  const factor = is_plain ? root : scale;
  const by = is_divided || is_plain ? `÷ √${d}` : `× ${num(scale)}`;
  const [before, after] = [of.products.variance, of.products.variance * factor ** 2];
  const [alone, scaled] = [of.rows.unscaled, is_plain ? of.rows.root_d : of.rows.own];
  const scores = picture.scores ?? new Float32Array(0);
  const bound = nice_bound(Math.max(...Array.from(scores, Math.abs)));
  return (
    <>
      <p class="aw-scaling-where">
        <span>
          {where}, <b>d = {d}</b>
          {!is_divided && !is_plain && (
            <span class="aw-quiet">
              ; its scale is not 1/√{d} = {num(root)}
            </span>
          )}
        </span>
      </p>
      <div class="aw-scaling-pair">
        {[
          { name: <Products />, factor: 1, spread: before, rows: alone },
          { name: <Products by={by} />, factor, spread: after, rows: scaled },
        ].map(({ name, factor, spread, rows }, i) => (
          <div key={i === 0 ? "plain" : "scaled"} class="aw-scaling-column">
            <h4>{name}</h4>
            <Histogram numbers={scores.map((score) => score * factor)} bound={bound} />
            <p>
              variance <b>{num(spread)}</b>
            </p>
            <MeanBar share={rows.largest} />
            <p>
              largest, mean <b>{rows.largest.toFixed(2)}</b>
            </p>
            <p class="aw-quiet">entropy, mean {rows.entropy.toFixed(1)} bits</p>
          </div>
        ))}
      </div>
      <p class="aw-scaling-sentence">
        {is_plain ? (
          <>
            This head does not divide its scores: their variance is {num(before)}. ÷ √{d} would make
            it {num(after)}, and the largest weight of a row would be {scaled.largest.toFixed(2)} on
            average instead of {alone.largest.toFixed(2)}.
          </>
        ) : (
          <>
            Variance {num(before)} → {num(after)} after {by}. The largest weight of a row is on
            average {scaled.largest.toFixed(2)}; without the scaling it would be{" "}
            {alone.largest.toFixed(2)}.
          </>
        )}
      </p>
      <p class="aw-taught-note">
        {notes_of(picture, of).join(" ")}
        {is_plain && " A model may have divided q before, which is not seen here."}
      </p>
    </>
  );
}

/** @param {ScalingPicture} picture @param {NonNullable<ScalingPicture["measured"]>} of */
function notes_of({ d }, { pairs, queries, rows, q_squared, k_squared, is_whole_score }) {
  const [measured, all] = queries;
  const notes = [
    `${plural(pairs, "pair")} of query and key, ${plural(rows.count, "row")} of two keys or more.`,
  ];
  if (q_squared !== null && k_squared !== null && d !== null) {
    notes.push(
      `Its entries' mean squares are ${num(q_squared / d)} in q and ${num(k_squared / d)} in k.`,
    );
  }
  if (measured < all) notes.push(`Measured on ${measured} of ${all} queries, evenly spread.`);
  if (!is_whole_score) {
    notes.push("The model does more to its scores (a bias, positions or a cap): left out here.");
  }
  return notes;
}

import { useEffect, useMemo, useState } from "preact/hooks";
import { Segmented } from "../../parts/segmented.jsx";
import { cut_middle, shown_token } from "../../words.js";
import { GreyMap, Legend, RowBars, RowLine } from "./charts.jsx";
import { GridOfGrids } from "./grids.jsx";
import { of_model, of_paper, signed, signed_whole } from "./numbers.js";
import { Relative, RelativeInWords } from "./relative.jsx";
import { Rotary, RotaryInWords } from "./rotary.jsx";
import { Slider } from "./slider.jsx";

/** @typedef {import("../messages.js").PositionsPicture} PositionsPicture */
/** @typedef {import("./numbers.js").Encoding} Encoding */

/** Letters of the token that a position has. */
const LONGEST = 14;
/** Cosines from here on are written as 1. */
const ALIKE = 0.9995;
/** Positions of what is drawn from a formula: those of the text, but some and not too many. */
const [FEWEST, MOST] = [16, 64];

/**
 * How the model knows where its tokens stand, beside the sine and cosine of the paper.
 *
 * @param {import("../../app.jsx").ViewProps} props
 */
export function PositionsView({ scene, state, ui }) {
  const own = scene.own.value;
  const picture = own?.picture.kind === "positions" ? own.picture : null;
  if (!picture || !own) {
    return (
      <div class="aw-taught">
        <p class="aw-quiet">Looking for positions in the model …</p>
      </div>
    );
  }
  return (
    <Encodings
      picture={picture}
      texts={own.tokens.queries}
      stale={own.stale}
      query={state.query.value}
      wish={state.encoding.value}
      scheme={ui.scheme.value}
      onWish={(encoding) => state.choose({ encoding })}
      onQuery={(query) => state.choose({ query })}
    />
  );
}

/**
 * @param {{picture: PositionsPicture, texts: string[], stale: boolean, query: number | null,
 *   wish: Wish, scheme: import("../../draw/colours.js").Scheme, onWish: (wish: Wish) => void,
 *   onQuery: (query: number) => void}} props
 */
function Encodings({ picture, texts, stale, query, wish, scheme, onWish, onQuery }) {
  const model = useMemo(() => of_model(picture), [picture]);
  const shown = wish === "model" && !model ? "sine" : wish;
  const paper = useMemo(() => (shown === "sine" ? of_paper(picture) : null), [picture, shown]);
  // Relative and rotary ones have no rows of numbers.
  const encoding = shown === "model" ? model : paper;
  const kind = shown === "sine" ? "paper" : picture.found;
  const n = encoding?.rows ?? Math.min(MOST, Math.max(FEWEST, texts.length));

  const [chosen, set_chosen] = useState(/** @type {number | null} */ (null));
  // Whoever steps through the tokens sees their positions.
  useEffect(() => set_chosen(null), [query]);
  const of_heads = encoding !== null && (kind === "relative bias" || kind === "ALiBi");
  const of_positions = !of_heads && !(encoding !== null && kind === "relative keys");
  const at = Math.min(n - 1, chosen ?? (of_positions ? (query ?? 0) : 0));
  /** @param {number} row */
  const choose = (row) => {
    if (of_positions && row < texts.length && row !== query) onQuery(row);
    set_chosen(row);
  };
  /** @param {number} position */
  const token_at = (position) =>
    position < texts.length ? cut_middle(shown_token(texts[position]).text, LONGEST) : "";
  const slider = (
    <Slider
      label={encoding ? names_of(kind).row : "position t"}
      value={at}
      most={n - 1}
      said={of_positions ? token_at(at) : ""}
      onChoose={choose}
    />
  );
  return (
    <div class={`aw-taught aw-positions${stale ? " aw-stale" : ""}`}>
      <p class="aw-taught-said">
        {encoding && <InWords picture={picture} kind={kind} />}
        {shown === "relative" && <RelativeInWords />}
        {shown === "rotary" && <RotaryInWords />}
      </p>
      <div class="aw-positions-controls">
        <Segmented
          label="Which encoding"
          value={shown}
          options={model ? WHICH : WHICH.slice(1)}
          onChoose={onWish}
        />
        {encoding && slider}
      </div>
      {shown === "relative" && (
        <Relative {...{ n, at, scheme, slider }} said={token_at} onChoose={choose} />
      )}
      {shown === "rotary" && <Rotary {...{ n, at, slider }} said={token_at} onChoose={choose} />}
      {encoding && (
        <>
          <Maps key={kind} {...{ picture, encoding, kind, at, scheme }} onChoose={choose} />
          <p class="aw-taught-note">
            <Notes picture={picture} kind={kind} encoding={encoding} />
          </p>
        </>
      )}
    </div>
  );
}

/** @typedef {import("../../state.js").Selection["encoding"]} Wish */

/** @type {[Wish, string][]} */
const WHICH = [
  ["model", "this model"],
  ["sine", "sine and cosine of the paper"],
  ["relative", "relative"],
  ["rotary", "rotary"],
];

/**
 * The encoding and its similarities, each with one row drawn under it.
 *
 * @param {{picture: PositionsPicture, encoding: Encoding, kind: PositionsPicture["found"] | "paper",
 *   at: number, scheme: import("../../draw/colours.js").Scheme, onChoose: (row: number) => void}} props
 */
function Maps({ picture, encoding, kind, at, scheme, onChoose }) {
  const { rows, cols, values, top, columns, similarity, similar } = encoding;
  const [col, set_col] = useState(Math.max(0, columns.indexOf(-1)));
  const [other, set_other] = useState(0);
  const [peek, set_peek] = useState(/** @type {{row: number, col: number} | null} */ (null));
  const [peek_pair, set_peek_pair] = useState(
    /** @type {{row: number, col: number} | null} */ (null),
  );
  const here = peek ?? { row: at, col: Math.min(col, cols - 1) };
  const pair = peek_pair ?? { row: at, col: Math.min(other, rows - 1) };
  const words = names_of(kind);
  const column = columns[here.col];
  const grid = kind === picture.found ? picture.grid : null;
  const row_of = (/** @type {Float32Array} */ all, /** @type {number} */ n) =>
    all.subarray(at * n, (at + 1) * n);
  return (
    <div class={`aw-positions-maps${grid ? " aw-of-image" : ""}`}>
      <section class="aw-positions-encoding">
        <h3 class="aw-heading">{words.title}</h3>
        <div class="aw-map-frame">
          <span class="aw-map-down" aria-hidden="true">
            <span>0</span>
            <span>{words.row}</span>
            <span>{rows - 1}</span>
          </span>
          <GreyMap
            {...{ values, rows, cols, top, scheme }}
            label={`${rows} × ${cols} numbers from ${signed(-top)} to ${signed(top)}`}
            row={at}
            col={null}
            onPeek={set_peek}
            onChoose={(cell) => {
              onChoose(cell.row);
              set_col(cell.col);
            }}
          />
        </div>
        <div class="aw-map-frame">
          <span class="aw-map-down aw-slider-name" aria-hidden="true">
            {words.column}
          </span>
          <div class="aw-under-map">
            <RowBars
              values={row_of(values, cols)}
              {...{ top }}
              at={here.col}
              label={`${words.row} ${at} as bars`}
            />
            <input
              type="range"
              min="0"
              max={cols - 1}
              value={Math.min(col, cols - 1)}
              aria-label={words.column}
              aria-valuetext={`${words.column} ${signed_whole(columns[Math.min(col, cols - 1)])}`}
              onInput={(event) => set_col(Number(event.currentTarget.value))}
            />
          </div>
        </div>
        <p class="aw-map-said" aria-live="polite">
          <span>
            {words.row} {here.row}, {words.column} {signed_whole(column)}:{" "}
            <b title={`${values[here.row * cols + here.col]}`}>
              {signed(values[here.row * cols + here.col])}
            </b>
          </span>
          <Legend top={top} scheme={scheme} />
        </p>
      </section>
      {similarity && (
        <section class="aw-positions-similarity">
          <h3 class="aw-heading">{words.similarity}</h3>
          <GreyMap
            values={similarity}
            rows={rows}
            cols={rows}
            top={similar}
            scheme={scheme}
            label={`Similarity of ${rows} ${words.row}s with one another, from −1 to 1`}
            row={at}
            col={pair.col}
            onPeek={set_peek_pair}
            onChoose={(cell) => {
              onChoose(cell.row);
              set_other(cell.col);
            }}
          />
          <div class="aw-under-map">
            <RowLine
              values={row_of(similarity, rows)}
              at={at}
              other={pair.col}
              label={`Similarity of ${words.row} ${at} with all others, as a line`}
            />
            <label class="aw-map-slider">
              <span>other {words.row}</span>
              <input
                type="range"
                min="0"
                max={rows - 1}
                value={Math.min(other, rows - 1)}
                aria-label={`the other ${words.row}`}
                onInput={(event) => set_other(Number(event.currentTarget.value))}
              />
            </label>
          </div>
          <p class="aw-map-said" aria-live="polite">
            <span>
              {words.row}s {pair.row} and {pair.col}:{" "}
              <b>{signed(similarity[pair.row * rows + pair.col])}</b>
            </span>
            <Legend top={similar} scheme={scheme} />
            {similar < ALIKE && <span class="aw-grey-legend aw-quiet">diagonal: 1</span>}
          </p>
        </section>
      )}
      {grid && similarity && (
        <Patches
          {...{ grid, scheme, at, similar }}
          values={row_of(similarity, rows)}
          onChoose={onChoose}
        />
      )}
      {grid && similarity && (
        <GridOfGrids {...{ grid, similarity, scheme, at, similar }} onChoose={onChoose} />
      )}
    </div>
  );
}

/**
 * Similarity of one patch with all others, where they lie in the picture.
 *
 * @param {{grid: [number, number, number], values: Float32Array, at: number, similar: number,
 *   scheme: import("../../draw/colours.js").Scheme, onChoose: (position: number) => void}} props
 */
function Patches({ grid: [rows, cols, before], values, at, similar, scheme, onChoose }) {
  const own = at - before;
  return (
    <section class="aw-positions-patches">
      <h3 class="aw-heading">{own < 0 ? "Class token" : `Patch ${own}`}, over the picture</h3>
      <GreyMap
        values={values.subarray(before)}
        {...{ rows, cols, scheme }}
        top={similar}
        label={`Similarity with ${rows} × ${cols} patches`}
        row={own < 0 ? null : Math.floor(own / cols)}
        col={own < 0 ? null : own % cols}
        one
        onPeek={() => {}}
        onChoose={(cell) => onChoose(before + cell.row * cols + cell.col)}
      />
    </section>
  );
}

/** What the rows, columns and maps of each kind are called. @param {PositionsPicture["found"] | "paper"} kind */
function names_of(kind) {
  const of_rows = {
    ...{
      row: "position",
      column: "dimension",
      title: "Encoding: positions down, dimensions across",
    },
    similarity: "Cosines of the positions",
  };
  if (kind === "rotary") {
    return {
      ...{ row: "position", column: "pair", title: "cos(position · angle)" },
      similarity: "Mean of cos((i − j) · angle)",
    };
  }
  if (kind === "relative bias" || kind === "ALiBi") {
    const title = "What is added to a score, by the distance from query to key";
    return { ...of_rows, row: "head", column: "distance", title };
  }
  if (kind === "relative keys") {
    const title = "r: distances down, dimensions across";
    return { ...of_rows, row: "distance", title, similarity: "Cosines of the distances" };
  }
  return of_rows;
}

/** The sentence on top. @param {{picture: PositionsPicture, kind: PositionsPicture["found"] | "paper"}} props */
function InWords({ picture, kind }) {
  const { positions, width, path, said } = picture;
  const where = path && (
    <>
      {" "}
      (<code>{path}</code>)
    </>
  );
  if (kind === "paper") {
    return (
      <>
        {picture.found === "none" && "No positions were found in this model. "}
        Vaswani et al. 2017 add sines and cosines of the position, at falling frequencies: near
        positions look alike.
      </>
    );
  }
  if (kind === "rotary") {
    return (
      <>
        Rotary: each pair of numbers of a <span class="aw-of-query">query</span> and a{" "}
        <span class="aw-of-key">key</span> is turned by an angle that grows with the position, so
        that their product depends on the distance alone{where}.
      </>
    );
  }
  if (kind === "ALiBi" || kind === "relative bias") {
    return (
      <>
        {kind === "ALiBi"
          ? "ALiBi: the farther a key, the more is taken from its score, at a slope for each head"
          : `A relative bias: the distance from query to key adds to the score, learned for each of ${width} heads`}
        {where}.
      </>
    );
  }
  if (kind === "relative keys") {
    return (
      <>
        Relative keys: a <span class="aw-of-query">query</span> is held against each{" "}
        <span class="aw-of-key">key</span>, and against r, a vector of {width} numbers for each of{" "}
        {positions} distances{where}.
      </>
    );
  }
  return (
    <>
      Each of the {positions} positions has a row of {width} numbers: {said}
      {where}.
    </>
  );
}

/** What is left out of the picture. @param {{picture: PositionsPicture, kind: string, encoding: Encoding}} props */
function Notes({ picture, kind, encoding }) {
  const { positions, width, parts, path, said, found, tokens } = picture;
  const others = parts.filter((one) => one !== path);
  const notes = [];
  if (found === "none") notes.push(said);
  else if (kind !== "paper" && positions !== null) {
    if (positions > encoding.rows)
      notes.push(
        `The first ${encoding.rows} of ${positions} ${found === "relative keys" ? "distances" : "positions"}.`,
      );
    if (width !== null && width > encoding.cols) {
      const which = kind === "learned" ? "The first" : "Pairs of all frequencies:";
      notes.push(`${which} ${encoding.cols} of ${width} dimensions; cosines are over all of them.`);
    }
  }
  if (found !== "none") notes.push(`This text has ${tokens} tokens.`);
  if (others.length > 0 && kind !== "paper") notes.push(`Found as well: ${others.join(", ")}.`);
  const is_added = picture.path.length > 0 && positions !== null && found !== "relative keys";
  if (kind === "paper" || is_added) {
    notes.push(
      "Instead of adding them one could concatenate them to the embeddings, which makes these wider.",
    );
  }
  return <>{notes.join(" ")}</>;
}

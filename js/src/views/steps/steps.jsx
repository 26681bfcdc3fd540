import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { Token } from "../../parts/token.jsx";
import { useSize } from "../../parts/use_size.js";
import { Vector } from "../../parts/vector.jsx";
import { row_name } from "../wants.js";
import { HeadsOut, OwnOutput, Projected } from "./after.jsx";
import { Columns, said_of_row } from "./columns.jsx";
import { ChooseQuery, moved_to, OtherKeys } from "./keys.jsx";
import { columns_of } from "./layout.js";
import { largest_size, rows_of, short } from "./numbers.js";
import { StageLine } from "./progress.jsx";
import { STAGES } from "./stage_names.js";
import { stage_shown, stages_of } from "./stages.js";
import { notes_of, StageSentence } from "./words.jsx";

/** @typedef {import("../messages.js").StepsPicture} StepsPicture */
/** @typedef {import("../../parts/vector.jsx").Said} Said */
/** @typedef {NonNullable<import("../../scene.js").Scene["own"]["value"]>} Own */
/** @typedef {{scene: import("../../scene.js").Scene, state: import("../../state.js").State,
 *   ui: import("../../ui.js").Ui}} Shown */

const LECTURE = 1.6;
const QUERY_STRIP = 250;
/** Below this the words stand under the query, not beside it. */
const STACKED = 720;

/** How one row of weights came about, and what became of it, stage by stage. @param {Shown} props */
export function StepsView({ scene, state, ui }) {
  const own = scene.own.value;
  const place = scene.place.value;
  const model = scene.model.value;
  if (state.query.value === null && place && model) {
    return (
      <div class="aw-steps-view">
        <ChooseQuery
          texts={model.tokens.queries.texts}
          onChoose={(query) => scene.select({ query })}
        />
      </div>
    );
  }
  if (own?.picture.kind !== "steps") return <div class="aw-steps-view" />;
  return <Steps {...{ scene, state, ui, own }} picture={own.picture} />;
}

/** @param {Shown & {own: Own, picture: StepsPicture}} props */
function Steps({ scene, state, ui, own, picture }) {
  const said = useSignal(/** @type {Said | null} */ (null));
  const [ref, size] = useSize();
  const unit = ui.lecture.value ? LECTURE : 1;
  const keys = own.tokens.keys;
  const query = own.tokens.queries[picture.query] ?? "";
  const stages = stages_of(picture);
  const stage = stage_shown(stages, state.stage.value);
  const at = STAGES.indexOf(stage);
  const rows = useMemo(() => rows_of(picture), [picture]);
  const columns = columns_of(picture, stages);
  const scales = useMemo(() => scales_of(picture, rows), [picture]);
  const chosen = state.key.value;
  const spot =
    rows.find(({ key }) => key === chosen) ??
    rows.find(({ key }) => key === picture.heaviest) ??
    rows.reduce((best, row) => (row.weight > best.weight ? row : best), rows[0]);

  /** @param {[number, number]} span */
  const show_keys = (span) => {
    ui.keys.value = { row: row_name(picture.layer, picture.head, picture.query), span };
  };
  // A key that is selected from elsewhere is brought among those on screen: once, so that the reader
  // may then look at others.
  const brought = useRef("");
  useEffect(() => {
    const [start, stop] = picture.window;
    const name = `${chosen} ${row_name(picture.layer, picture.head, picture.query)}`;
    if (chosen === null || own.stale || chosen >= picture.key_len || brought.current === name)
      return;
    brought.current = name;
    if (chosen < start || chosen >= stop) {
      const count = stop - start;
      show_keys(moved_to(chosen - Math.floor(count / 2), count, picture.key_len));
    }
  }, [chosen, picture.layer, picture.head, picture.query, own.stale]);

  /** @type {[string, Float32Array | undefined][]} */
  const outputs = [
    ["sum = output", picture.output],
    ["the model's own", picture.own_output],
  ];
  const sums = /** @type {[string, Float32Array][]} */ (
    outputs.filter(([, values]) => values).slice(0, rows_of_sums(stage))
  );
  const notes = notes_of(picture, stage, stages);
  if (["values", "output"].includes(stage) && scales.v / scales.weighted >= 1.5) {
    const factor = scales.v / scales.weighted;
    notes.push(
      `What is weighted is drawn ${factor < 10 ? factor.toFixed(1) : Math.round(factor)} times larger than the values.`,
    );
  }
  if (own.place.set.length > 1) {
    notes.push(
      `Of the heads that are drawn together, these are the steps of head ${picture.head}.`,
    );
  }
  if (reads_otherwise(scene)) {
    notes.push("Steps are about the model's own tokens and rows, however tokens are read.");
  }
  /** @param {Said | null} now */
  const say = (now) => {
    if (said.peek()?.number !== now?.number || said.peek()?.what !== now?.what) said.value = now;
  };
  const seen = columns.filter((column) => STAGES.indexOf(column.stage) <= at);
  const of_spot = said_of_row(spot, keys[spot.key] ?? "", seen);
  const exact = said.value ?? (of_spot.number === "" ? null : of_spot);
  const inner = size.width;
  const is_query = stage === "query";
  // Where there is little room the keys make place for what became of them.
  const is_after = stage === "heads" || stage === "projection";
  const is_folded = is_after && ui.layout.value !== "wide";
  // And where there is more, to all but those that matter most.
  const shown = is_after
    ? rows.filter(({ key }) => [spot.key, picture.heaviest, chosen].includes(key))
    : rows;
  return (
    <div class={`aw-steps-view${own.stale ? " aw-stale" : ""}`}>
      <StageLine {...{ picture, stage, unit, state, scene }} width={inner} />
      <div class={`aw-steps-head${inner < STACKED * unit ? " aw-steps-stacked" : ""}`} ref={ref}>
        <div class="aw-steps-query">
          <QueryName {...{ picture, query, state }} />
          {picture.q && !is_query && (
            <Vector
              values={picture.q}
              scale={scales.q}
              width={Math.min(QUERY_STRIP * unit, Math.max(80, inner - 150 * unit))}
              height={Math.round(36 * unit)}
              as="query"
              label={`query of ${query}`}
              onSay={say}
            />
          )}
        </div>
        <div class="aw-steps-words" aria-live="polite">
          <p>
            <StageSentence {...{ stage, picture, query, keys, spot }} />
          </p>
          {notes.map((note) => (
            <p key={note} class="aw-steps-note">
              {note}
            </p>
          ))}
        </div>
      </div>
      {is_query && picture.q ? (
        <div class="aw-steps-large">
          <Vector
            values={picture.q}
            scale={scales.q}
            width={Math.max(80, inner)}
            height={Math.round(160 * unit)}
            as="query"
            label={`query of ${query}`}
            onSay={say}
          />
          <p class="aw-quiet">
            dimension 0 to {picture.q.length - 1}; the longest bar is {short(scales.q)}
          </p>
        </div>
      ) : (
        !is_folded && (
          <Columns
            {...{ picture, columns, stage, keys, spot, chosen, scales, unit, sums }}
            rows={shown}
            others={is_after ? picture.key_len - shown.length : 0}
            masks={at >= STAGES.indexOf("mask")}
            onChoose={(key) => state.choose({ key: key === chosen ? null : key })}
            onSay={say}
          />
        )
      )}
      {!is_query && !is_after && <OtherKeys {...{ picture, keys }} onMove={show_keys} />}
      {stage === "output" && !columns.some(({ name }) => name === "weighted") && (
        <OwnOutput {...{ picture, unit }} width={inner} onSay={say} />
      )}
      {stage === "heads" && inner > 0 && (
        <HeadsOut
          {...{ picture, unit }}
          width={inner}
          onSay={say}
          onHead={(head) => state.choose({ head })}
        />
      )}
      {stage === "projection" && inner > 0 && (
        <Projected {...{ picture, unit }} width={inner} onSay={say} />
      )}
      <p class="aw-steps-exact">
        {exact ? (
          <>
            <bdi>{exact.what}</bdi>: <b>{exact.number}</b>
          </>
        ) : (
          "Point at a bar for its number."
        )}
      </p>
    </div>
  );
}

/** How many sums stand below: the model's own only where the two are compared. @param {import("./stage_names.js").Stage} stage */
function rows_of_sums(stage) {
  if (stage === "output") return 2;
  return stage === "heads" || stage === "projection" ? 1 : 0;
}

/** The query's token, and the ones beside it. @param {{picture: StepsPicture, query: string, state: import("../../state.js").State}} props */
function QueryName({ picture, query, state }) {
  const { query: at, query_len } = picture;
  return (
    <p class="aw-steps-name">
      <span class="aw-quiet">query</span>
      <span class="aw-stepper">
        <button
          type="button"
          class="aw-step"
          aria-label="Query: one token back"
          disabled={at === 0}
          onClick={() => state.choose({ query: at - 1 })}
        >
          ‹
        </button>
        <Token text={query} as="query" most={14} />
        <button
          type="button"
          class="aw-step"
          aria-label="Query: one token on"
          disabled={at === query_len - 1}
          onClick={() => state.choose({ query: at + 1 })}
        >
          ›
        </button>
      </span>
    </p>
  );
}

/**
 * Sizes of the longest bars: one for all vectors of a kind, so that they can be compared.
 *
 * @param {StepsPicture} picture
 * @param {import("./numbers.js").Row[]} rows
 */
function scales_of(picture, rows) {
  const { q, k, v, output, own_output } = picture;
  return {
    q: largest_size(q ?? []),
    k: largest_size(k ?? []),
    products: largest_size(rows.flatMap(({ products }) => [...(products ?? [])])),
    v: largest_size(v ?? []),
    weighted: largest_size([
      ...rows.flatMap(({ weighted }) => [...(weighted ?? [])]),
      ...(output ?? own_output ?? []),
    ]),
  };
}

/** Whether items on screen elsewhere are not the tokens that are meant here. @param {import("../../scene.js").Scene} scene */
function reads_otherwise(scene) {
  const reading = scene.place.value?.context.reading;
  if (!reading) return false;
  const { words, hide, renormalise, pair } = reading;
  return words || hide.length > 0 || renormalise || pair !== null;
}

import { useEffect, useRef, useState } from "preact/hooks";
import { move_key, rename, set_value } from "./edits.js";
import { NumberField, TextField } from "./fields.jsx";
import { Queries } from "./queries.jsx";
import { num, share_in_words, writer_of } from "./said.js";
import { Strip, top_of } from "./strip.jsx";
import { MOST_FIELDS, VectorCell } from "./vector_cell.jsx";

/** @typedef {import("./state.js").View} View */
/** @typedef {{store: import("./state.js").Store, view: View}} Shown */

/** Height of a row, as in store.css. */
const ROW = 26;
/** Rows that are drawn at once: more than fit; and how many of them above. */
const SEEN = 30;
const SPARE = 6;

/** @param {Shown & {at: number, top: number}} props  `top`: the size that fills a strip. */
function ValueCell({ store, view, at, top }) {
  const value = view.values[at];
  /** @param {number | string} to */
  const change = (to) => {
    const data = store.data.peek();
    if (data) store.choose(set_value(data, at, to));
  };
  const label = `value of ${view.names[at]}`;
  return (
    <td class={`aw-cell-value aw-cell-${view.kind}`}>
      {typeof value === "number" && (
        <NumberField value={value} of="value" label={label} onChange={change} />
      )}
      {view.kind === "text" && (
        <TextField
          value={/** @type {string} */ (value)}
          of="value"
          label={label}
          onChange={change}
        />
      )}
      {view.kind === "picture" && (
        <img class="aw-thumb" src={/** @type {string} */ (value)} alt={label} />
      )}
      {Array.isArray(value) && <Strip vector={value} of="value" top={top} label={label} />}
    </td>
  );
}

/** @param {number} first @param {number} last */
const range = (first, last) => Array.from({ length: last - first }, (_, i) => first + i);

/** In place of rows out of sight. @param {{rows: number}} props */
function Space({ rows }) {
  return rows > 0 ? <tr style={{ height: `${rows * ROW}px` }} /> : null;
}

/** Scrolls the table, and never the page. @param {HTMLElement} scroll @param {number} at */
function bring_into(scroll, at) {
  let room = scroll.clientHeight;
  for (const part of scroll.querySelectorAll("thead, .aw-few")) {
    room -= /** @type {HTMLElement} */ (part).offsetHeight;
  }
  const top = at * ROW;
  if (top < scroll.scrollTop) scroll.scrollTop = top;
  else if (top + ROW > scroll.scrollTop + room) scroll.scrollTop = top + ROW - room;
}

/** Entries, one to a row: key, scores, attention, value. @param {Shown} props */
export function Table({ store, view }) {
  const with_numbers = view.screen !== "recipes";
  const write_score = writer_of(view.scores);
  const write_scaled = writer_of(view.scores.map((score) => view.beta * score));
  const has_cosine = view.keys[0].length > 1;
  const key_top = top_of(view.keys);
  const value_top = view.kind === "vector" ? top_of(/** @type {number[][]} */ (view.values)) : 0;
  // Of many rows only those in sight are drawn.
  const [scrolled, set_scrolled] = useState(0);
  const count = view.keys.length;
  const first = Math.max(0, Math.min(count - SEEN, Math.floor(scrolled / ROW) - SPARE));
  const last = Math.min(count, first + SEEN);
  const scroll = useRef(/** @type {HTMLDivElement | null} */ (null));
  // The row that is written out is to be seen, whoever chose it.
  useEffect(() => {
    if (scroll.current) bring_into(scroll.current, view.entry);
  }, [view.entry, view.keys.length]);
  return (
    <div
      class="aw-table-scroll"
      ref={scroll}
      onScroll={(event) => set_scrolled(event.currentTarget.scrollTop)}
    >
      <table
        class={`aw-table aw-with-${view.kind}${view.keys[0].length > MOST_FIELDS ? " aw-long" : ""}`}
        style={{ "--aw-d": view.keys[0].length }}
      >
        <thead>
          <tr>
            <th class="aw-cell-name aw-of-key">key</th>
            {with_numbers && <th class="aw-cell-vector">{view.by_distance ? "x" : ""}</th>}
            <th class="aw-cell-score">{view.by_distance ? "−½(q−k)²" : <ScoreName />}</th>
            {has_cosine && <th class="aw-cell-score aw-cell-cosine">cosine</th>}
            {view.reach >= 1 && <th class="aw-cell-score aw-cell-scaled">× β</th>}
            {view.reach >= 2 && <th class="aw-cell-attention">attention</th>}
            <th class="aw-cell-value aw-of-value">value</th>
          </tr>
        </thead>
        {(view.screen === "numbers" || view.query.length > 1) && <Queries {...{ store, view }} />}
        <tbody>
          <Space rows={first} />
          {range(first, last).map((at) => (
            <tr
              key={at}
              class={at === view.entry ? "aw-row-chosen" : ""}
              onFocusIn={() => {
                store.chosen.value = at;
              }}
              onClick={() => {
                store.chosen.value = at;
              }}
            >
              <td class="aw-cell-name">
                <TextField
                  value={view.names[at]}
                  of="key"
                  label={`name of entry ${at + 1}`}
                  onChange={(to) => {
                    const data = store.data.peek();
                    if (data) store.choose(rename(data, at, to));
                  }}
                />
              </td>
              {with_numbers && (
                <VectorCell
                  {...{ vector: view.keys[at], name: view.names[at], top: key_top }}
                  of="key"
                  onChange={(to) => {
                    const data = store.data.peek();
                    if (data) store.choose(move_key(data, at, to));
                  }}
                />
              )}
              <td class="aw-cell-score">{write_score(view.scores[at])}</td>
              {has_cosine && <td class="aw-cell-score aw-cell-cosine">{num(view.cosines[at])}</td>}
              {view.reach >= 1 && (
                <td class="aw-cell-score aw-cell-scaled">
                  {Number.isFinite(view.beta) ? write_scaled(view.beta * view.scores[at]) : "–"}
                </td>
              )}
              {view.reach >= 2 && (
                <td class="aw-cell-attention">
                  <span class="aw-attention">
                    <i style={{ width: `${100 * view.weights[at]}%` }} />
                    <span>{share_in_words(view.weights[at], view)}</span>
                  </span>
                </td>
              )}
              <ValueCell {...{ store, view, at, top: value_top }} />
            </tr>
          ))}
          <Space rows={count - last} />
        </tbody>
      </table>
    </div>
  );
}

function ScoreName() {
  return (
    <>
      <span class="aw-of-query">q</span>·<span class="aw-of-key">k</span>
    </>
  );
}

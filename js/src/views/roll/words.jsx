import { Token } from "../../parts/token.jsx";
import { percent, plural } from "../../words.js";
import { length_of } from "./notes.js";

/** @typedef {import("./notes.js").Item} Item */
/** @typedef {import("./notes.js").Copy} Copy */

const MOST_NAMED = 3;

/** @param {number} beats */
function long(beats) {
  const whole = Math.floor(beats);
  const rest = { 0: "", 0.25: "¼", 0.5: "½", 0.75: "¾" }[beats - whole];
  const number = rest === undefined ? String(beats) : `${whole || ""}${rest}`;
  return `${number} ${beats > 1 ? "beats" : "beat"}`;
}

/** A token for those who point at it. @param {Item} item */
export function told({ text, note, name, bar }) {
  if (!note) return `${text}: no note`;
  return `${name || "rest"}, ${long(note[2])}, bar ${bar}`;
}

/** Where nothing parts bars, they are not told. @param {Item[]} items */
const has_bars = (items) => (items.at(-1)?.bar ?? 1) > 1;

/** @param {number} by  Semitones. */
export const moved = (by) =>
  by === 0 ? "the same" : `${plural(Math.abs(by), "semitone")} ${by > 0 ? "higher" : "lower"}`;

/**
 * What the selected note looks at, and what that has to do with the melody.
 *
 * @param {{items: Item[], at: number, from: boolean, best: {item: number, weight: number} | null,
 *   copies: Copy[], notes: Item[]}} props
 */
export function Said({ items, at, from, best, copies, notes }) {
  const here = items[at];
  const there = best && items[best.item];
  const bars = has_bars(items);
  return (
    <>
      <Token said text={here.text} as={from ? "query" : "key"} />
      {bars && here.note && ` (bar ${here.bar})`}
      {!there && " …"}
      {best &&
        there &&
        best.item === at &&
        ` ${from ? "looks" : "is looked at"} ${percent(best.weight)} ${from ? "at" : "by"} itself`}
      {best && there && best.item !== at && (
        <>
          {from ? " looks" : " is looked at"} {percent(best.weight)} {from ? "at" : "by"}{" "}
          <Token said text={there.text} as={from ? "key" : "query"} />
          {bars && there.note && ` (bar ${there.bar})`}
          {from && reason(here, there, copies, notes)}
        </>
      )}
      .
    </>
  );
}

/**
 * Why it may be: what is looked at stands in a copy of the passage, at the same place or just after.
 *
 * @param {Item} here @param {Item} there @param {Copy[]} copies @param {Item[]} notes
 */
function reason(here, there, copies, notes) {
  const [near, far] = [notes.indexOf(here), notes.indexOf(there)];
  for (const { own, at, by } of copies) {
    const shift = at[0] - own[0];
    const like = by === 0 ? "" : `, ${moved(by)}`;
    if (near + shift === far) return `, the same place in the other copy of its passage${like}`;
    if (near + shift + 1 === far)
      return `, which came next in the other copy of its passage${like}`;
  }
  return "";
}

/** Where the passage comes again. @param {{copies: Copy[], notes: Item[]}} props */
export function Again({ copies, notes }) {
  const longest = copies.reduce((most, copy) => Math.max(most, length_of(copy)), 0);
  if (longest === 0) return <>The notes around it do not come again.</>;
  const named = copies.slice(0, MOST_NAMED).map((copy) => {
    const part = length_of(copy) < longest ? ` (${length_of(copy)} notes of it)` : "";
    const bar = has_bars(notes) ? `in bar ${notes[copy.at[0]].bar}` : "";
    const like = copy.by === 0 ? "" : moved(copy.by);
    return `${[bar, like].filter(Boolean).join(", ") || "as they are"}${part}`;
  });
  const more = copies.length - named.length;
  return (
    <>
      The {longest} notes around it come again {named.join("; ")}
      {more > 0 && `; and ${plural(more, "more time")}`}.
    </>
  );
}

import { VISIBLE } from "../../messages.js";
import { arc, is_black_key, middle } from "./layout.js";
import { length_of } from "./notes.js";
import { moved } from "./words.jsx";

/** @typedef {import("./layout.js").Roll} Roll */
/** @typedef {import("./notes.js").Item} Item */
/** @typedef {import("./notes.js").Copy} Copy */
/** @typedef {{above: string, below: string} | null} Signs */

const WIDEST = 9;
/** Weights below this part of the largest are not drawn. */
const FAINTEST = 0.01;

/**
 * @typedef {object} Shared
 * @property {Item[]} items
 * @property {Roll} roll
 * @property {Float32Array | null} weights
 * @property {Uint8Array | null} flags
 * @property {number | null} active  The token whose weights they are.
 * @property {boolean} from
 * @property {number} type  How large type is beside its usual size.
 * @property {number} written  Shares from here on are written out.
 */

/**
 * Arcs from the selected note, as wide as their weights.
 *
 * @param {Shared & {height: number, top: number, signs: Signs}} props
 */
export function Arcs({ items, roll, weights, flags, active, height, top, signs, type }) {
  const here = active;
  if (!weights || here === null) return <div style={{ height: `${height}px` }} />;
  const x = middle(roll, here);
  const ends = items
    .filter(({ item }) => flags?.[item] === VISIBLE && Math.abs(weights[item]) >= FAINTEST * top)
    .sort((a, b) => Math.abs(weights[a.item]) - Math.abs(weights[b.item]));
  const farthest = ends.reduce(
    (most, { item }) => Math.max(most, Math.abs(middle(roll, item) - x)),
    0,
  );
  return (
    <svg class="aw-roll-arcs" width={roll.width} height={height} aria-hidden="true">
      {ends.map(({ item }) => {
        const size = Math.abs(weights[item]);
        // Where weights are no shares, the largest is as wide as can be.
        const share = signs ? size / top : size;
        return (
          <path
            key={item}
            d={arc(x, middle(roll, item), { height, farthest })}
            stroke-width={Math.max(0.75, WIDEST * type * share).toFixed(2)}
            opacity={(0.2 + 0.65 * Math.sqrt(Math.min(1, share))).toFixed(3)}
            style={signs ? { stroke: signs[weights[item] < 0 ? "below" : "above"] } : undefined}
            stroke-dasharray={weights[item] < 0 ? "5 4" : undefined}
          />
        );
      })}
    </svg>
  );
}

/**
 * The roll itself: a column for each token, pitch upwards.
 *
 * @param {Shared & {copies: Copy[], notes: Item[], top: number, signs: Signs, other: number | null, letters: number,
 *   told_of: (item: number) => string, onPeek: (item: number | null) => void,
 *   onChoose: (item: number, is_other_end: boolean) => void}} props
 */
export function Paper(props) {
  const { items, roll, weights, flags, active, from, other, letters, copies, notes } = props;
  const again = new Map();
  for (const { at, by } of copies) {
    for (const { item } of notes.slice(...at)) again.set(item, by === 0 ? "" : " aw-roll-moved");
  }
  return (
    <div
      class="aw-roll-rows"
      style={{ height: `${roll.height}px` }}
      onPointerLeave={() => props.onPeek(null)}
    >
      {roll.pitches.filter(is_black_key).map((pitch) => (
        <i
          key={pitch}
          class="aw-roll-black"
          style={{ top: `${roll.top(pitch)}px`, height: `${roll.row}px` }}
        />
      ))}
      {items.map(({ item, text, note, name }) => {
        const { x, width } = roll.columns[item];
        const weight = weights && flags?.[item] === VISIBLE ? weights[item] : 0;
        const is_here = item === active;
        const classes = [
          note ? "aw-roll-note" : "aw-roll-mark",
          is_here && `aw-roll-${from ? "query" : "key"}`,
          item === other && !is_here && `aw-roll-end aw-roll-end-${from ? "key" : "query"}`,
          again.has(item) && !is_here && `aw-roll-again${again.get(item)}`,
        ];
        const wash = Math.min(1, Math.abs(weight) / (props.signs ? props.top : 1));
        const said = props.told_of(item);
        const has_name = roll.row >= letters + 0.5 && width >= (name.length + 1) * 0.62 * letters;
        const leads_to = note && note[0] !== null && (is_here || Math.abs(weight) >= props.written);
        return (
          <button
            key={item}
            type="button"
            tabIndex={-1}
            class={classes.filter(Boolean).join(" ")}
            style={{ left: `${x}px`, width: `${width}px` }}
            aria-pressed={is_here}
            aria-label={said}
            title={said}
            onPointerMove={(event) => {
              if (event.pointerType !== "touch") props.onPeek(item);
            }}
            onClick={(event) => props.onChoose(item, event.shiftKey)}
          >
            {note === null && <span>{text}</span>}
            {leads_to && (
              <i class="aw-roll-drop" style={{ height: `${roll.top(note[0] ?? 0)}px` }} />
            )}
            {note !== null && note[0] === null && <i class="aw-roll-rest" />}
            {note !== null && note[0] !== null && (
              <i
                class="aw-roll-bar"
                style={{
                  top: `${roll.top(note[0])}px`,
                  height: `${roll.row}px`,
                  "--aw-roll-wash": Math.sqrt(wash).toFixed(3),
                }}
              >
                {has_name && name}
              </i>
            )}
          </button>
        );
      })}
    </div>
  );
}

/**
 * Under the roll: how far each copy of the passage goes, and how much higher it is.
 *
 * @param {{roll: Roll, notes: Item[], copies: Copy[], height: number}} props
 */
export function Brackets({ roll, notes, copies, height }) {
  const longest = copies.reduce(
    (/** @type {Copy | null} */ most, copy) =>
      most && length_of(most) >= length_of(copy) ? most : copy,
    null,
  );
  return (
    <div class="aw-roll-brackets" style={{ height: `${height}px` }}>
      {longest && bracket(longest.own, " aw-roll-own", "this", "the passage around the note")}
      {copies.map(({ at, by }) =>
        bracket(
          at,
          by === 0 ? "" : " aw-roll-moved",
          by === 0 ? "again" : `${by > 0 ? "+" : "−"}${Math.abs(by)}`,
          `${at[1] - at[0]} notes, ${moved(by)}`,
        ),
      )}
    </div>
  );

  /** @param {[number, number]} span @param {string} look @param {string} name @param {string} said */
  function bracket([start, stop], look, name, said) {
    const first = roll.columns[notes[start].item];
    const last = roll.columns[notes[stop - 1].item];
    const place = { left: `${first.x + 2}px`, width: `${last.x + last.width - first.x - 4}px` };
    return (
      <span key={`${look} ${start}`} class={`aw-roll-bracket${look}`} style={place} title={said}>
        <b>{name}</b>
      </span>
    );
  }
}

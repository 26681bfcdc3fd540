import { useLayoutEffect } from "preact/hooks";
import { useSize } from "../../parts/use_size.js";
import { pooled, Vector } from "../../parts/vector.jsx";
import { cut_middle, percent, plural, shown_token } from "../../words.js";
import { fitting, GAP } from "./layout.js";
import { decimal, decimals_for, exact, worked_out } from "./numbers.js";

/** @typedef {import("../messages.js").StepsPicture} StepsPicture */
/** @typedef {import("./numbers.js").Row} Row */
/** @typedef {import("./layout.js").Column} Column */
/** @typedef {import("../../parts/vector.jsx").Said} Said */

const ROW = 24;
const LETTER = 7.6;
const [NARROWEST_TOKEN, WIDEST_TOKEN] = [40, 132];
/** A token must not take more of a narrow view than this. */
const TOKEN_SHARE = 0.26;
/** Beside a bar: its percentage. */
const ROOM_FOR_SHARE = 54;
const ROOM_FOR_WORDS = 120;

/** @typedef {"k" | "products" | "v" | "weighted"} VectorName */
/** @type {Record<VectorName, "key" | "product" | "value">} */
const VECTORS = { k: "key", products: "product", v: "value", weighted: "value" };
/** @type {Record<VectorName, string>} */
const VECTOR_WORDS = {
  k: "key of",
  products: "query × key of",
  v: "value of",
  weighted: "weight × value of",
};
/** What these are is worked out on the page, from what the kernel sent. */
const WORKED_OUT = new Set(["minus", "exp"]);

/**
 * The keys, one a line, with all that has been worked out so far; and below, what they sum to.
 *
 * @param {object} props
 * @param {StepsPicture} props.picture
 * @param {Row[]} props.rows
 * @param {Column[]} props.columns  All that the call has.
 * @param {import("./stage_names.js").Stage} props.stage
 * @param {string[]} props.keys  Texts of all tokens.
 * @param {Row} props.spot
 * @param {number | null} props.chosen  The selected key.
 * @param {Record<VectorName, number>} props.scales
 * @param {number} props.unit
 * @param {boolean} props.masks  Whether the mask has been come to.
 * @param {[string, Float32Array][]} props.sums  What stands below the weighted values.
 * @param {number} [props.others]  Keys that are left out, where there is room for only a few.
 * @param {(key: number) => void} props.onChoose
 * @param {(said: Said | null) => void} props.onSay
 */
export function Columns(props) {
  const { rows, columns, stage, keys, spot, unit, sums, others = 0, onSay } = props;
  const [ref, size] = useSize();
  const row = Math.round(ROW * unit);
  const longest = rows.reduce((most, { key }) => Math.max(most, keys[key]?.length ?? 0), 0);
  const widest = Math.min(WIDEST_TOKEN * unit, Math.max(90, TOKEN_SHARE * size.width));
  const token = Math.round(
    Math.max(NARROWEST_TOKEN * unit, Math.min(widest, (longest + 1) * LETTER * unit + 8)),
  );
  const shown = fitting(columns, stage, size.width - token - GAP, unit);
  const weighted = shown.find(({ name }) => name === "weighted");
  const has_sums = sums.length > 0 && weighted !== undefined;

  // The example is brought into sight, under the heading.
  useLayoutEffect(() => {
    const scroller = ref.current;
    const at = rows.findIndex(({ key }) => key === spot.key);
    if (!scroller || at < 0 || size.height === 0) return;
    const covered = row * (1 + (has_sums ? sums.length : 0)) + 8;
    const [top, room] = [at * row, scroller.clientHeight - covered];
    if (top < scroller.scrollTop) scroller.scrollTop = Math.max(0, top - row);
    else if (top + row > scroller.scrollTop + room) {
      scroller.scrollTop = Math.min(top, top + 2 * row - room);
    }
  }, [spot.key, rows.length, row, size.height, has_sums]);

  const sizes = shown.map(({ name, width }) => {
    const vector = name in VECTORS ? spot[/** @type {VectorName} */ (name)] : undefined;
    return vector ? pooled(vector, width).each : 1;
  });
  const most_pooled = Math.max(1, ...sizes);
  const decimals = Object.fromEntries(
    shown.map(({ name }) => [name, decimals_for(rows.map((one) => numbers_of(one, name)))]),
  );
  return (
    <div ref={ref} class={`aw-steps-scroll${others > 0 ? " aw-steps-few" : ""}`}>
      {most_pooled > 1 && (
        <p class="aw-steps-note">
          A bar is the largest of up to {most_pooled} numbers: there are more than fit.
        </p>
      )}
      <table
        class="aw-steps-table"
        style={{ "--aw-row": `${row}px` }}
        onPointerMove={(event) => {
          const target = /** @type {HTMLElement} */ (event.target);
          if (target.closest(".aw-vector")) return;
          const cell = /** @type {HTMLElement | null} */ (target.closest("[data-exact]"));
          onSay(cell && { what: cell.dataset.what ?? "", number: cell.dataset.exact ?? "" });
        }}
        onPointerLeave={() => onSay(null)}
      >
        <colgroup>
          <col style={{ width: token + GAP }} />
          {shown.map(({ name, width }) => (
            <col key={name} style={{ width: width + GAP }} />
          ))}
          <col />
        </colgroup>
        <thead>
          <tr>
            <th scope="col" aria-label="token" />
            {shown.map(({ name, words, stage: of }) => (
              <th
                key={name}
                scope="col"
                class={`aw-steps-${name}${of === stage ? " aw-steps-now" : ""}`}
              >
                {words}
              </th>
            ))}
            <td />
          </tr>
        </thead>
        <tbody>
          {rows.map((one) => (
            <KeyRow key={one.key} {...props} {...{ one, shown, row, token, decimals }} />
          ))}
          {others > 0 && (
            <tr class="aw-steps-others">
              <th scope="row">…</th>
              <td colSpan={shown.length + 1}>{plural(others, "other key")}</td>
            </tr>
          )}
        </tbody>
        {has_sums && (
          <tfoot>
            {sums.map(([words, values]) => (
              <tr key={words}>
                <th scope="row" colSpan={shown.length}>
                  {words}
                </th>
                <td>
                  <Vector
                    {...{ values, onSay, label: words, as: "value" }}
                    scale={props.scales.weighted}
                    width={weighted.width}
                    height={row - 4}
                  />
                </td>
                <td />
              </tr>
            ))}
          </tfoot>
        )}
      </table>
    </div>
  );
}

/** @param {Row} row @param {Column["name"]} name */
function numbers_of(row, name) {
  const value = /** @type {Record<string, unknown>} */ (row)[name];
  return typeof value === "number" ? value : 0;
}

/**
 * @param {Parameters<typeof Columns>[0] & {one: Row, shown: (Column & {width: number})[],
 *   row: number, token: number, decimals: Record<string, number>}} props
 */
function KeyRow({ one, shown, spot, chosen, picture, keys, unit, masks, ...props }) {
  const { row, token, decimals, scales, onChoose, onSay } = props;
  const text = keys[one.key] ?? "";
  const { text: letters, marked } = shown_token(text);
  const most = Math.max(3, Math.floor((token - 8) / (LETTER * unit)));
  const is_spot = one.key === spot.key;
  const classes = [
    "aw-steps-row",
    one.key === picture.heaviest && !picture.sees_nothing && "aw-heaviest",
    one.key === chosen && "aw-chosen-key",
    masks && one.hidden && "aw-masked-key",
  ];
  return (
    <tr class={classes.filter(Boolean).join(" ")} onClick={() => onChoose(one.key)}>
      <th scope="row">
        <button
          type="button"
          class={`aw-steps-key${marked ? " aw-marked" : ""}`}
          aria-pressed={one.key === chosen}
          tabIndex={is_spot ? 0 : -1}
          title={`${text} (key ${one.key})`}
          onFocus={() => onSay(said_of_row(one, letters, shown))}
          onBlur={() => onSay(null)}
        >
          <bdi>{cut_middle(letters, most)}</bdi>
        </button>
      </th>
      {shown.map(({ name, width, words }) => {
        if (name in VECTORS) {
          const values = one[/** @type {VectorName} */ (name)];
          return (
            <td key={name}>
              {values && (
                <Vector
                  {...{ values, width, onSay }}
                  scale={scales[/** @type {VectorName} */ (name)]}
                  height={row - 4}
                  as={VECTORS[/** @type {VectorName} */ (name)]}
                  label={`${VECTOR_WORDS[/** @type {VectorName} */ (name)]} ${letters}`}
                  reached={is_spot}
                />
              )}
            </td>
          );
        }
        const value = /** @type {number | undefined} */ (/** @type {any} */ (one)[name]);
        if (value === undefined) return <td key={name} />;
        const said = WORKED_OUT.has(name) ? worked_out(value) : exact(value);
        const named = { "data-what": `${words} of ${letters}`, "data-exact": said, title: said };
        return name === "weight" || name === "softmax" ? (
          <td key={name} {...named} class="aw-steps-share">
            <Share {...{ value, width, unit }} hidden={one.hidden} />
          </td>
        ) : (
          <td key={name} {...named} class={`aw-steps-number aw-steps-${name}`}>
            {name === "exp" ? decimal(value, 4) : decimal(value, decimals[name])}
          </td>
        );
      })}
      <td />
    </tr>
  );
}

/** A share of 1 as a bar and in percent. @param {{value: number, width: number, unit: number, hidden: boolean}} props */
function Share({ value, width, unit, hidden }) {
  if (hidden && value === 0) {
    const has_room = width >= ROOM_FOR_WORDS * unit;
    return (
      <span class="aw-steps-hidden">
        <i class="aw-swatch aw-swatch-masked" /> {has_room ? "hidden by mask" : "hidden"}
      </span>
    );
  }
  const length = Math.max(0, Math.min(1, value)) * (width - ROOM_FOR_SHARE * unit);
  return (
    <>
      <i style={{ width: `${Math.max(1, length || 0)}px` }} />
      {percent(value)}
    </>
  );
}

/**
 * All of a row's numbers that are on screen.
 *
 * @param {Row} row
 * @param {string} text
 * @param {Pick<Column, "name" | "words">[]} shown
 * @returns {Said}
 */
export function said_of_row(row, text, shown) {
  const parts = shown
    .filter(({ name }) => typeof (/** @type {any} */ (row)[name]) === "number")
    .map(({ name, words }) => {
      const value = /** @type {any} */ (row)[name];
      return `${words} ${WORKED_OUT.has(name) ? worked_out(value) : exact(value)}`;
    });
  return { what: text, number: parts.join(" · ") };
}

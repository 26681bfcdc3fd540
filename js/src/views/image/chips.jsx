import { share_of_ramp } from "../../draw/scale.js";
import { cut_middle, percent, shown_token, weight_in_words } from "../../words.js";
import { chips_of } from "./layout.js";

/** Letters of a word. */
const LONGEST = 24;
/** Of a wash in full. */
const FULL = 0.5;

/**
 * What stands beside the patches: the words of the text, or the class token. A run of patches is
 * one sign among them.
 *
 * @param {object} props
 * @param {import("../../messages.js").Side} props.side
 * @param {import("./layout.js").Cells | null} props.cells
 * @param {"query" | "key"} props.as  What a click makes of one.
 * @param {string} props.title
 * @param {{weights: Float32Array, flags: Uint8Array} | null} props.row  Of these items, where they are looked at.
 * @param {import("../../draw/scale.js").ScaleName} props.scale
 * @param {number | null} props.query
 * @param {number | null} props.looked_at
 * @param {(item: number | null) => void} props.onPeek
 * @param {(item: number) => void} props.onChoose
 */
export function Chips(props) {
  const { side, cells, as, title, row, scale, query, looked_at, onPeek, onChoose } = props;
  const chips = chips_of(side, cells);
  const weights = chips.map((chip) => (row && "item" in chip ? row.weights[chip.item] || 0 : 0));
  const top = Math.max(0, ...weights);
  if (chips.every((chip) => "from" in chip)) return null;
  return (
    <section class="aw-chips">
      <h3 class="aw-heading">{title}</h3>
      <p class="aw-chips-words" dir="auto">
        {chips.map((chip, i) => {
          if ("from" in chip) {
            return (
              <span key={`image ${chip.from}`} class="aw-chip-image">
                image{row && `, ${percent(sum(row.weights.subarray(chip.from, chip.to)))}`}
              </span>
            );
          }
          const { item } = chip;
          const { text, marked } = shown_token(side.texts[item]);
          const masked = row !== null && row.flags[item] === 1;
          const classes = ["aw-chip"];
          if (item === query) classes.push("aw-chip-query");
          if (item === looked_at) classes.push("aw-chip-key");
          if (side.kinds[item]) classes.push(`aw-${side.kinds[item]}`);
          if (marked) classes.push("aw-marked");
          if (masked) classes.push("aw-chip-masked");
          const said = !row ? "" : masked ? "masked" : weight_in_words(row.weights[item]);
          return (
            <button
              key={item}
              type="button"
              class={classes.join(" ")}
              style={{ "--aw-share": FULL * share_of_ramp(scale, weights[i], top) }}
              aria-pressed={item === (as === "query" ? query : looked_at)}
              aria-label={said ? `${text}: ${said}` : text}
              title={said ? `${side.texts[item]}: ${said}` : side.texts[item]}
              onPointerEnter={() => onPeek(item)}
              onPointerLeave={() => onPeek(null)}
              onClick={() => onChoose(item)}
            >
              {cut_middle(text, LONGEST)}
              {weights[i] >= 0.05 && <small>{percent(weights[i])}</small>}
            </button>
          );
        })}
      </p>
    </section>
  );
}

/** @param {Float32Array} weights */
const sum = (weights) => weights.reduce((all, weight) => all + (weight || 0), 0);

import { is_exact, value_at } from "../../attention.js";
import { MASKED, NOT_A_NUMBER } from "../../messages.js";
import { weight_in_words } from "../../words.js";

/**
 * The crosshair and the number under the pointer. Only this is drawn anew while the pointer moves.
 *
 * @param {object} props
 * @param {import("@preact/signals").Signal<{query: number, key: number} | null>} props.hover
 * @param {import("../../drawn.js").Drawn} props.picture
 * @param {import("../../scene.js").Scene} props.scene
 * @param {import("./layout.js").Box} props.plot
 * @param {{width: number, height: number}} props.cell
 * @param {(text: string) => string} props.label_of
 */
export function Peek({ hover, picture, scene, plot, cell, label_of }) {
  const at = hover.value;
  const { region, tokens } = picture;
  const inside =
    at &&
    at.query >= region.rows[0] &&
    at.query < region.rows[1] &&
    at.key >= region.cols[0] &&
    at.key < region.cols[1];
  if (!inside) return null;
  const x = plot.left + (at.key - region.cols[0]) * cell.width;
  const y = plot.top + (at.query - region.rows[0]) * cell.height;
  const to_left = x - plot.left > plot.width / 2;
  const above = y - plot.top > plot.height / 2;
  return (
    <div class="aw-peek" aria-hidden="true">
      <div
        class="aw-cross"
        style={{ left: plot.left, top: y, width: plot.width, height: Math.max(1, cell.height) }}
      />
      <div
        class="aw-cross"
        style={{ left: x, top: plot.top, width: Math.max(1, cell.width), height: plot.height }}
      />
      <div
        class="aw-tip"
        style={{
          left: to_left ? x - 6 : x + cell.width + 6,
          top: above ? y - 6 : y + cell.height + 6,
          transform: `translate(${to_left ? "-100%" : "0"}, ${above ? "-100%" : "0"})`,
        }}
      >
        <span class="aw-tip-pair">
          <bdi class="aw-token-query">{label_of(tokens.queries[at.query])}</bdi> →{" "}
          <bdi class="aw-token-key">{label_of(tokens.keys[at.key])}</bdi>
        </span>
        <b>{number_at(picture, scene, at)}</b>
      </div>
    </div>
  );
}

/**
 * The exact number where it is at hand, else what the picture says, named as that.
 *
 * @param {import("../../drawn.js").Drawn} picture
 * @param {import("../../scene.js").Scene} scene
 * @param {{query: number, key: number}} at
 */
function number_at({ tiles }, scene, { query, key }) {
  const row = scene.row.value;
  if (row?.direction === "from" && row.at === query)
    return in_words(row.weights[key], row.flags[key]);
  for (const tile of tiles.toReversed()) {
    const known = value_at(tile, query, key);
    if (!known) continue;
    const words = in_words(known.value, known.flag);
    if (is_exact(tile) || known.flag !== 0) return words;
    const [rows, cols] = tile.block;
    return rows * cols > 1 ? `up to ${words}` : `about ${words}`;
  }
  return "…";
}

/** @param {number} value @param {number} flag */
function in_words(value, flag) {
  if (flag === MASKED) return "masked";
  if (flag === NOT_A_NUMBER) return "NaN";
  return weight_in_words(value);
}

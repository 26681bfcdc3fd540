import { computed } from "@preact/signals";
import { can_have_sink, is_sink_overall } from "./draw/scale.js";
import { in_place } from "./drawn.js";
import { strand_of, with_row } from "./links.js";
import { are_shares, is_pattern, looker, place_in, whole_region } from "./place.js";
import { is_small, lines_want, row_want, sets_of, tile_want } from "./wants.js";

/** Heads as links between tokens: all that are drawn together, of one and the same pass. */

/** @typedef {import("./links.js").Strand} Strand */
/**
 * @typedef {import("./drawn.js").InPlace & {strands: Strand[], has_sink: boolean}} Strung
 *   `has_sink`: in one of the heads the first token takes much of all rows.
 */

/** @param {import("./scene.js").Parts} parts */
export function make_strung({ source, ui, wished, place }) {
  /** @type {Strung | null} */
  let last_strung = null;
  /** @type {WeakMap<object, Strand | null>} */
  const strands_made = new WeakMap();

  /** All shown heads as links; the last ones until every one of them is here. */
  return computed(() => {
    const at = place.value;
    if (!at) return last_strung && { ...last_strung, stale: true };
    const entries = sets_of(at).map((heads) => {
      if (is_small(at)) {
        const entry = source.find(tile_want(at, whole_region(at), ui.pixels.value, heads).key);
        return { heads, near: entry, far: null };
      }
      const near = source.find(lines_want(at, at.direction, heads).key);
      const other = at.direction === "from" ? "to" : "from";
      const far = source.find(lines_want(at, other, heads).key);
      return { heads, near, far: far?.model === near?.model ? far : null };
    });
    const own = entries[0]?.near?.model;
    const found = own && place_in(own, wished.value);
    if (!found || entries.some(({ near }) => near?.model !== own)) {
      return last_strung && { ...last_strung, stale: true };
    }
    const strands = entries.map(({ heads, near, far }) => {
      const pictures = [near?.picture, far?.picture];
      const key = /** @type {object} */ (far?.picture ?? near?.picture);
      if (!strands_made.has(key)) strands_made.set(key, made(heads, pictures));
      const strand = strands_made.get(key);
      const item = looker(found);
      if (!strand || is_small(found) || item === null) return strand;
      const row = source.find(row_want(found, found.direction, item, heads).key);
      return row?.picture.kind === "row" && row.model === own
        ? with_row(strand, row.picture)
        : strand;
    });
    if (strands.some((strand) => !strand)) return last_strung && { ...last_strung, stale: true };
    const { stack } = found;
    const whole = /** @type {Strand[]} */ (strands);
    const has_sink =
      is_pattern(found) &&
      can_have_sink(stack) &&
      whole.some(({ links }) => is_sink_overall(links("to", 0).sum, stack.query_len));
    last_strung = { ...in_place(own, found), strands: whole, has_sink };
    return last_strung;

    /** @param {import("./messages.js").LayerHead[]} heads @param {(import("./messages.js").Picture | undefined)[]} pictures */
    function made(heads, pictures) {
      const [near] = pictures;
      const shares = are_shares(/** @type {NonNullable<typeof at>} */ (at).context.reading);
      if (near?.kind === "tile") return strand_of(heads, near, shares);
      /** @param {string} direction */
      const lines = (direction) => {
        const found = pictures.find((p) => p?.kind === "lines" && p.direction === direction);
        return found?.kind === "lines" ? found : null;
      };
      return strand_of(heads, { from: lines("from"), to: lines("to") }, shares);
    }
  });
}

import { useSignal } from "@preact/signals";
import { useDrawing } from "../../draw/canvas.js";
import { percent, shown_token } from "../../words.js";
import { exact } from "../steps/numbers.js";
import { branches_of, name_of_role } from "./numbers.js";

/** @typedef {import("../messages.js").BlockPicture} BlockPicture */

const ROW = 14;

/**
 * What each part of a block adds at every token, as strips of ink: darkest where it is most of the
 * stream's length.
 *
 * @param {object} props
 * @param {BlockPicture} props.picture
 * @param {import("../messages.js").BlockFacts} props.facts
 * @param {import("../../messages.js").Side} props.side
 * @param {number | null} props.item  The selected one.
 * @param {number} props.width
 * @param {number} props.unit
 * @param {(item: number) => void} props.onChoose
 * @param {(said: string | null) => void} props.onSay
 */
export function BlockTokens({ picture, facts, side, item, width, unit, onChoose, onSay }) {
  const over = useSignal(/** @type {number | null} */ (null));
  const rows = branches_of(facts).map(({ sum, branch }) => ({
    name: name_of_role(branch.role),
    ratios: side.spans.map(([token]) => {
      const at = (/** @type {number} */ row) =>
        picture.rows[(facts.first + row) * picture.tokens + token];
      return at(branch.added) / at(sum.stream);
    }),
  }));
  const most = Math.max(...rows.flatMap(({ ratios }) => ratios.filter(Number.isFinite)), 1e-12);
  const height = rows.length * ROW * unit;
  const count = side.spans.length;
  const canvas = useDrawing(
    width,
    height,
    (context, ratio) => {
      const ink = getComputedStyle(context.canvas).color;
      context.fillStyle = ink;
      rows.forEach(({ ratios }, r) => {
        for (const { x, wide, share } of columns(ratios, width * ratio)) {
          context.globalAlpha = Math.sqrt(Math.min(1, Math.max(0, share / most) || 0));
          const tall = ROW * unit * ratio;
          context.fillRect(x, Math.round(r * tall), wide, Math.round(tall) - Math.ceil(ratio));
        }
      });
    },
    [picture, facts, side, unit, most],
  );
  /** @param {PointerEvent | MouseEvent} event */
  const item_at = (event) => {
    const box = /** @type {HTMLElement} */ (event.currentTarget).getBoundingClientRect();
    const share = (event.clientX - box.left) / (box.width || 1);
    return Math.max(0, Math.min(count - 1, Math.floor(share * count)));
  };
  /** @param {number | null} at */
  const point_at = (at) => {
    if (over.peek() === at) return;
    over.value = at;
    onSay(at === null ? null : said(side.texts[at], rows, at));
  };
  const marked = over.value ?? item;
  return (
    <section class="aw-block-tokens">
      <h3 class="aw-heading">
        All tokens
        <span class="aw-quiet"> darkest where {percent(most)} as long is added (scale: roots)</span>
      </h3>
      <div class="aw-block-strips">
        <div class="aw-block-strip-names" aria-hidden="true">
          {rows.map(({ name }, i) => (
            <span key={i} style={{ height: ROW * unit }}>
              {name}
            </span>
          ))}
        </div>
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the widget's own keys step through tokens */}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: see above */}
        <div
          class="aw-block-strip"
          style={{ width, height: height + 6 }}
          onPointerMove={(event) => point_at(item_at(event))}
          onPointerLeave={() => point_at(null)}
          onClick={(event) => onChoose(item_at(event))}
        >
          <canvas ref={canvas} style={{ width, height }} />
          {marked !== null && (
            <i
              class="aw-block-here"
              style={{
                left: `${(100 * marked) / count}%`,
                width: `max(3px, ${100 / count}%)`,
              }}
            />
          )}
        </div>
      </div>
    </section>
  );
}

/**
 * Columns of pixels: one for each token, or, where there are more tokens than pixels, one for each
 * pixel with the largest of its tokens.
 *
 * @param {number[]} ratios
 * @param {number} width  In device pixels.
 */
export function columns(ratios, width) {
  const count = Math.min(ratios.length, Math.max(1, Math.floor(width)));
  return Array.from({ length: count }, (_, i) => {
    const [first, last] = [i, i + 1].map((n) => Math.floor((n * ratios.length) / count));
    const [x, end] = [i, i + 1].map((n) => Math.round((n * width) / count));
    const wide = end - x > 3 ? end - x - 1 : end - x;
    return { x, wide, share: Math.max(...ratios.slice(first, last)) };
  });
}

/** @param {string} text @param {{name: string, ratios: number[]}[]} rows @param {number} at */
function said(text, rows, at) {
  const parts = rows.map(({ name, ratios }) => `${name} + ${exact(100 * ratios[at], 3)} %`);
  return `${shown_token(text).text}: ${parts.join(", ")} of the stream’s length`;
}

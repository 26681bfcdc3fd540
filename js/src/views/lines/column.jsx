import { fit_label } from "../../draw/text.js";
import { percent, shown_token } from "../../words.js";
import { items_in_sight } from "./layout.js";

/** @typedef {import("../../messages.js").Side} Side */

/** How many of the longest tokens are measured to make room for labels. */
const MEASURED = 40;

/**
 * Width of the widest label of a column.
 *
 * @param {Side} side
 * @param {number} most
 * @param {import("../../draw/text.js").Measure} measure
 */
export function widest_label({ texts }, most, measure) {
  const longest = texts
    .map((text) => shown_token(text).text)
    .sort((a, b) => b.length - a.length)
    .slice(0, MEASURED);
  return Math.ceil(Math.min(most, Math.max(12, ...longest.map(measure))));
}

/**
 * One column of tokens; only those in sight are on the page.
 *
 * @param {object} props
 * @param {Side} props.side
 * @param {"query" | "key"} props.name
 * @param {import("./layout.js").LinesLayout} props.layout
 * @param {{left: number, width: number}} props.box
 * @param {import("../../draw/text.js").Measure} props.measure
 * @param {Map<number, number> | null} props.washes  Opacity of the accent behind items.
 * @param {import("./shares.js").Shares | null} props.shares
 * @param {number | null} props.shown  The item whose links are drawn.
 * @param {number | null} props.chosen  The item that is selected on this side.
 * @param {import("@preact/signals").Signal<number>} props.scrolled
 * @param {import("preact").RefObject<HTMLDivElement>} props.scroller
 * @param {Set<number>} props.found  Items the search has found.
 * @param {(item: number | null) => void} props.onPeek
 * @param {(item: number, other_end: boolean) => void} props.onChoose
 */
export function TokenColumn(props) {
  const { side, name, layout, box, measure, washes, shares, shown, chosen, found } = props;
  const { row, height } = layout;
  const { texts } = side;
  const [first, last] = items_in_sight(props.scrolled.value, height, row, texts.length);
  const scrolls = texts.length * row > height + 1;
  const is_query = name === "query";
  const left = is_query ? box.left - layout.shares : box.left;

  /** @param {{clientY: number, currentTarget: EventTarget | null}} event */
  const item_at = ({ clientY, currentTarget }) => {
    const element = /** @type {HTMLElement} */ (currentTarget);
    const y = clientY - element.getBoundingClientRect().top + element.scrollTop;
    const item = Math.floor(y / row);
    return item >= 0 && item < texts.length ? item : null;
  };
  const label_of = (/** @type {string} */ text) =>
    fit_label(shown_token(text).text, box.width - 16, measure);

  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the widget's own keys step through the tokens
    <div
      ref={props.scroller}
      class={`aw-column aw-column-${name}${scrolls ? " aw-scrolls" : ""}`}
      role="listbox"
      aria-label={is_query ? "Queries: tokens that look" : "Keys: tokens that are looked at"}
      tabIndex={-1}
      style={{ left, width: box.width + layout.shares, height }}
      onScroll={(event) => {
        props.scrolled.value = event.currentTarget.scrollTop;
      }}
      onPointerMove={(event) => {
        if (event.pointerType !== "touch") props.onPeek(item_at(event));
      }}
      onPointerLeave={() => props.onPeek(null)}
      onClick={(event) => {
        const item = item_at(event);
        if (item !== null) props.onChoose(item, event.shiftKey);
      }}
    >
      <div style={{ height: texts.length * row }}>
        {Array.from({ length: last - first }, (_, i) => first + i).map((item) => (
          <Row
            key={item}
            token={side.spans[item][0]}
            text={texts[item]}
            label={label_of(texts[item])}
            look={look_of(side, item, { name, shown, chosen, found })}
            top={item * row}
            height={row}
            width={box.width}
            wash={washes?.get(item) ?? 0}
            shares={shares?.get(item)?.slice(0, layout.most_shares)}
          />
        ))}
      </div>
    </div>
  );
}

/**
 * @param {Side} side
 * @param {number} item
 * @param {{name: string, shown: number | null, chosen: number | null, found: Set<number>}} how
 */
function look_of({ kinds, segments }, item, { name, shown, chosen, found }) {
  const classes = [];
  if (item === shown) classes.push("aw-shown");
  if (item === chosen) classes.push(`aw-is-${name}`);
  if (kinds[item]) classes.push(`aw-${kinds[item]}`);
  if (found.has(item)) classes.push("aw-found");
  if (segments && !kinds[item]) classes.push(segments[item] % 2 ? "aw-segment-b" : "aw-segment-a");
  return classes.join(" ");
}

/**
 * @param {{token: number, text: string, label: string, look: string, top: number, height: number,
 *   width: number, wash: number, shares: {share: number, colour: string}[] | undefined}} props
 */
function Row({ token, text, label, look, top, height, width, wash, shares }) {
  const { marked } = shown_token(text);
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the keys step through tokens, not Tab
    <div
      class={`aw-row ${look}`}
      role="option"
      aria-selected={look.includes("aw-is-")}
      style={{ top, height }}
      title={label === text ? undefined : `${text} (token ${token})`}
    >
      <span class="aw-row-word" style={{ width }}>
        <i class={`aw-wash${wash < 0 ? " aw-minus" : ""}`} style={{ opacity: Math.abs(wash) }} />
        <bdi dir="auto" class={marked ? "aw-marked" : ""}>
          {label}
        </bdi>
      </span>
      {shares && (
        <span class="aw-row-shares">
          {shares.map(({ share, colour }, i) => (
            <span key={i} style={colour ? { color: colour } : undefined}>
              {percent(share)}
            </span>
          ))}
        </span>
      )}
    </div>
  );
}

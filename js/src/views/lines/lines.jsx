import { useEffect, useMemo } from "preact/hooks";
import { useDrawing } from "../../draw/canvas.js";
import { colours_of_heads, faint_colour, SIGN_COLOURS } from "../../draw/colours.js";
import { draw_links, draw_pattern } from "../../draw/curves.js";
import { text_measure } from "../../draw/text.js";
import { HeadSet } from "../../parts/head_set.jsx";
import { LinesControls } from "../../parts/lines_controls.jsx";
import { useSize } from "../../parts/use_size.js";
import { looker } from "../../place.js";
import { heads_in_words, percent } from "../../words.js";
import { TokenColumn, widest_label } from "./column.jsx";
import { items_in_sight, lines_layout } from "./layout.js";
import { useScrolled } from "./scroll.js";
import { shares_beside, unseen, washes_of } from "./shares.js";
import { useMorph } from "./use_morph.js";

/** @typedef {import("../../strung.js").Strung} Strung */
/** @typedef {import("../../ui.js").Peek} Peek */

const LABEL_SIZE = 13;
const HEADING = 24;
/** Width of a line of weight 1, in pixels. */
const WIDEST = 11;

/**
 * Two columns of tokens and the links between them: the selected token's strong, all others faint.
 *
 * @param {{scene: import("../../scene.js").Scene, state: import("../../state.js").State,
 *   ui: import("../../ui.js").Ui}} props
 */
export function LinesView({ scene, state, ui }) {
  const [ref, size] = useSize();
  const strung = scene.strung.value;
  const element = ref.current;
  return (
    <div class="aw-lines-view">
      <HeadSet scene={scene} state={state} ui={ui} />
      <div class="aw-lines" ref={ref}>
        {strung && element && size.width > 0 && size.height > 0 && (
          <Lines {...{ strung, element, size, scene, state, ui }} />
        )}
      </div>
      <LinesControls scene={scene} state={state} />
    </div>
  );
}

/**
 * @param {{strung: Strung, element: Element, size: {width: number, height: number},
 *   scene: import("../../scene.js").Scene, state: import("../../state.js").State,
 *   ui: import("../../ui.js").Ui}} props
 */
function Lines({ strung, element, size, scene, state, ui }) {
  const { place, strands, sides } = strung;
  const moving = useMorph(strung, element);
  const lengths = { query: sides.queries.texts.length, key: sides.keys.texts.length };
  const large = ui.lecture.value;
  const measure = useMemo(
    () => text_measure(element, large ? 1.6 * LABEL_SIZE : LABEL_SIZE),
    [element, large],
  );
  const most_label = Math.min(200, Math.max(56, Math.floor(size.width / 4.5)));
  const layout = lines_layout({
    width: size.width,
    height: size.height - HEADING,
    items: Math.max(lengths.query, lengths.key),
    query_label: widest_label(sides.queries, most_label, measure),
    key_label: widest_label(sides.keys, most_label, measure),
    large,
    shares: Math.min(strands.length, size.width < 420 ? 1 : 3),
  });
  const { between, height, row } = layout;

  // Hover moves nothing but what is drawn; a click locks.
  const peek = ui.peek.value;
  const locked = looker(place);
  /** @type {Peek | null} */
  const active = peek ?? (locked === null ? null : { direction: place.direction, at: locked });
  const direction = active?.direction ?? place.direction;
  const mass = state.mass.value;
  const scheme = ui.scheme.value;
  const heads = strands.map(({ set }) => set[0]);
  const several = strands.length > 1;
  const colours = several ? colours_of_heads(heads, scheme) : [accent(scheme)];
  const signed = place.context.reading.weigh === "gradient";
  const signs = signed && !several ? SIGN_COLOURS[scheme] : null;

  const scrolled = useScrolled(lengths, height, row);
  const from_queries = direction === "from";
  const length = from_queries ? lengths.query : lengths.key;
  const columns = {
    width: between.width,
    height,
    row,
    queries: scrolled.queries.value,
    keys: scrolled.keys.value,
    seen: items_in_sight(
      from_queries ? scrolled.queries.value : scrolled.keys.value,
      height,
      row,
      length,
    ),
  };

  // The selected token is brought into sight, and with it the one it looks at most.
  useEffect(() => {
    if (locked === null || strung.stale) return;
    const far = place.direction === "from" ? place.key : place.query;
    scrolled.reveal(place.direction, locked, far ?? strongest(strung, locked));
  }, [locked, place.direction, place.key, place.query, strung.stale, height, row]);

  const links = active ? strands.map((s) => s.links(active.direction, active.at)) : [];
  const washes = washes_of(links, state.scale.value, { can_sink: from_queries && strung.has_sink });
  const beside = shares_beside(links, colours, several);
  const faint = several ? colours : [faint_colour(scheme)];
  const pattern = useDrawing(
    between.width,
    height,
    (context, ratio) =>
      draw_pattern(context, ratio, columns, strands, {
        direction,
        mass,
        colours: faint,
        signs,
        // Many heads would cover one another.
        strength: (active ? 0.7 : 1.4) / strands.length ** 0.7,
      }),
    [
      strands,
      columns.queries,
      columns.keys,
      row,
      direction,
      mass,
      scheme,
      active === null,
      several,
    ],
  );
  const strong = useDrawing(
    between.width,
    height,
    (context, ratio) => {
      if (!active) return;
      const { at } = active;
      draw_links(context, ratio, columns, moving, {
        ...{ direction, at, mass, colours, signs },
        widest: Math.min(WIDEST, row / 2) * (large ? 1.3 : 1),
      });
    },
    [moving, columns.queries, columns.keys, row, direction, active?.at, mass, scheme, large],
  );

  /** @param {"query" | "key"} side @param {number} item @param {boolean} other_end */
  const choose = (side, item, other_end) => {
    const way = side === "query" ? "from" : "to";
    if (other_end && locked !== null && way !== place.direction) {
      scene.select({ [side]: place[side] === item ? null : item });
      return;
    }
    const again = way === place.direction && locked === item;
    const other = side === "query" ? "key" : "query";
    scene.select({ [side]: again ? null : item, [other]: null }, { direction: way });
  };
  /** @param {import("../../messages.js").Direction} way */
  const peek_at = (way) => (/** @type {number | null} */ at) => {
    const next = at === null ? null : { direction: way, at };
    const now = ui.peek.peek();
    if (now?.direction !== next?.direction || now?.at !== next?.at) ui.peek.value = next;
  };
  const summary = `Attention of ${several ? `${strands.length} heads` : heads_in_words(place)} as lines from ${lengths.query} queries to ${lengths.key} keys.`;
  const outside = active ? unseen(links, columns, direction, lengths, mass) : null;
  const far_box = from_queries ? layout.keys : layout.queries;

  return (
    <div class={`${strung.stale ? "aw-dimmed" : ""}${signed ? " aw-signed" : ""}`}>
      <div class="aw-lines-heads" aria-hidden="true">
        <span class="aw-is-query" style={{ left: layout.queries.left + layout.queries.width - 8 }}>
          query: looks
        </span>
        <span class="aw-is-key" style={{ left: layout.keys.left + 8 }}>
          key: is looked at
        </span>
      </div>
      <TokenColumn
        {...{ side: sides.queries, layout, measure, washes: from_queries ? null : washes }}
        name="query"
        box={layout.queries}
        shares={from_queries ? null : beside}
        shown={from_queries ? (active?.at ?? null) : null}
        chosen={place.query}
        scrolled={scrolled.queries}
        scroller={scrolled.query_scroller}
        found={scene.found.value.queries}
        onPeek={peek_at("from")}
        onChoose={(item, other_end) => choose("query", item, other_end)}
      />
      <div
        class="aw-lines-between"
        style={{ left: between.left, top: HEADING, width: between.width, height }}
        role="img"
        aria-label={summary}
        ref={scrolled.middle}
      >
        <canvas ref={pattern} class="aw-pattern" style={{ width: between.width, height }} />
        <canvas ref={strong} class="aw-links" style={{ width: between.width, height }} />
      </div>
      <TokenColumn
        {...{ side: sides.keys, layout, measure, washes: from_queries ? washes : null }}
        name="key"
        box={layout.keys}
        shares={from_queries ? beside : null}
        shown={from_queries ? null : (active?.at ?? null)}
        chosen={place.key}
        scrolled={scrolled.keys}
        scroller={scrolled.key_scroller}
        found={scene.found.value.keys}
        onPeek={peek_at("to")}
        onChoose={(item, other_end) => choose("key", item, other_end)}
      />
      {outside?.above && (
        <button
          type="button"
          class="aw-unseen"
          style={{ left: far_box.left, top: HEADING, width: far_box.width }}
          onClick={() =>
            scrolled.bring(from_queries ? "keys" : "queries", outside.above?.item ?? 0)
          }
        >
          ↑ {percent(outside.above.share)} above
        </button>
      )}
      {outside?.below && (
        <button
          type="button"
          class="aw-unseen"
          style={{ left: far_box.left, top: HEADING + height - 24, width: far_box.width }}
          onClick={() =>
            scrolled.bring(from_queries ? "keys" : "queries", outside.below?.item ?? 0)
          }
        >
          ↓ {percent(outside.below.share)} below
        </button>
      )}
    </div>
  );
}

/** The accent of selection. @param {import("../../draw/colours.js").Scheme} scheme */
const accent = (scheme) => (scheme === "dark" ? "#5cb3e6" : "#0072b2");

/** The item a token is linked to most, the first token aside: it takes what is left over. @param {Strung} strung @param {number} at */
function strongest({ strands, place }, at) {
  const { items, count } = strands[0].links(place.direction, at);
  for (let i = 0; i < count; i++) if (items[i] !== 0) return items[i];
  return null;
}

import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { useDrawing } from "../draw/canvas.js";
import { colours_of_heads, SIGN_COLOURS } from "../draw/colours.js";
import { draw_washes } from "../draw/washes.js";
import { HeadSet } from "../parts/head_set.jsx";
import { DirectionChoice, WashLegend } from "../parts/lines_controls.jsx";
import { useSize } from "../parts/use_size.js";
import { looker } from "../place.js";
import { cut_middle, shown_token } from "../words.js";

/** @typedef {import("../strung.js").Strung} Strung */
/** @typedef {import("../messages.js").Side} Side */
/** @typedef {import("../messages.js").Direction} Direction */

const LONGEST_WORD = 60;
/** A sentence or two are set larger than a page. */
const SHORT = 60;

/**
 * The passage itself, washed by the attention from or to the selected token.
 *
 * @param {{scene: import("../scene.js").Scene, state: import("../state.js").State,
 *   ui: import("../ui.js").Ui}} props
 */
export function TextView({ scene, state, ui }) {
  const strung = scene.strung.value;
  return (
    <div class="aw-text-view">
      <HeadSet scene={scene} state={state} ui={ui} />
      {strung && <Passages {...{ strung, scene, state, ui }} />}
      <div class="aw-controls">
        <DirectionChoice scene={scene} state={state} />
        <WashLegend scene={scene} state={state} />
      </div>
    </div>
  );
}

/**
 * One passage, or two where queries and keys are different texts.
 *
 * @param {{strung: Strung, scene: import("../scene.js").Scene, state: import("../state.js").State,
 *   ui: import("../ui.js").Ui}} props
 */
function Passages({ strung, scene, state, ui }) {
  const { place, sides, strands } = strung;
  const one = sides.keys === sides.queries;
  const locked = looker(place);
  const peek = ui.peek.value;
  const active = peek ?? (locked === null ? null : { direction: place.direction, at: locked });
  const links = active ? strands.map((s) => s.links(active.direction, active.at)) : [];
  const scheme = ui.scheme.value;
  const several = strands.length > 1;
  const colours = several
    ? colours_of_heads(
        strands.map(({ set }) => set[0]),
        scheme,
      )
    : [scheme === "dark" ? "#5cb3e6" : "#0072b2"];
  const signed = place.context.reading.weigh === "gradient";
  const signs = signed && !several ? SIGN_COLOURS[scheme] : null;
  const direction = active?.direction ?? place.direction;
  const can_sink = direction === "from" && strung.has_sink;

  /** @param {Direction} way @param {number | null} at */
  const peek_at = (way, at) => {
    const next = at === null ? null : { direction: way, at };
    const now = ui.peek.peek();
    if (now?.direction !== next?.direction || now?.at !== next?.at) ui.peek.value = next;
  };
  /** @param {Direction} way @param {number} at */
  const choose = (way, at) => {
    const [side, other] = way === "from" ? ["query", "key"] : ["key", "query"];
    const again = way === place.direction && locked === at;
    scene.select({ [side]: again ? null : at, [other]: null }, { direction: way });
  };
  /** @param {"queries" | "keys"} name @param {Direction} way  Of a click on it. @param {boolean} is_near */
  const passage = (name, way, is_near) => (
    <Passage
      side={sides[name]}
      label={name === "queries" ? "query: looks" : "key: is looked at"}
      titled={!one}
      washes={
        one || !is_near ? { links, colours, signs, scale: state.scale.value, can_sink } : null
      }
      active={one || is_near ? (active?.at ?? null) : null}
      direction={direction}
      far={one || !is_near ? (direction === "from" ? place.key : place.query) : null}
      found={scene.found.value[name]}
      large={ui.lecture.value}
      onPeek={(at) => peek_at(way, at)}
      onChoose={(at) => choose(way, at)}
    />
  );
  return (
    <div class={`aw-passages${strung.stale ? " aw-dimmed" : ""}`}>
      {one
        ? passage("queries", place.direction, true)
        : [
            passage("keys", "to", direction === "to"),
            passage("queries", "from", direction === "from"),
          ]}
    </div>
  );
}

/**
 * @param {object} props
 * @param {Side} props.side
 * @param {string} props.label
 * @param {boolean} props.titled
 * @param {{links: import("../links.js").Links[], colours: string[],
 *   signs: {above: string, below: string} | null, scale: import("../draw/scale.js").ScaleName,
 *   can_sink: boolean} | null} props.washes
 * @param {number | null} props.active
 * @param {Direction} props.direction
 * @param {number | null} props.far  The other end of the selected link.
 * @param {Set<number>} props.found
 * @param {boolean} props.large
 * @param {(item: number | null) => void} props.onPeek
 * @param {(item: number) => void} props.onChoose
 */
function Passage(props) {
  const { side, label, titled, washes, active, direction, far, found, large } = props;
  const [ref, size] = useSize();
  const paper = useRef(/** @type {HTMLDivElement | null} */ (null));
  const scrolled = useSignal(0);
  const boxes = useBoxes(paper, [side, size.width, large]);
  const near_colour = direction === "from" ? "query" : "key";

  const canvas = useDrawing(
    size.width,
    size.height,
    (context, ratio) => {
      if (!paper.current) return;
      draw_washes(context, ratio, {
        ...{ boxes, washes, found, near: active, far },
        scrolled: scrolled.value,
        height: size.height,
        colours: own_colours(paper.current, near_colour),
      });
    },
    [
      boxes,
      washes?.links,
      washes?.scale,
      washes?.can_sink,
      washes?.colours.join(),
      washes?.signs,
      active,
      far,
      found,
      scrolled.value,
    ],
  );

  // The selected word is brought into sight.
  useEffect(() => {
    const scroller = ref.current;
    const box = active === null ? null : boxes[active]?.[0];
    if (!scroller || !box) return;
    if (box.top < scroller.scrollTop) scroller.scrollTop = box.top - box.height;
    else if (box.top + 2 * box.height > scroller.scrollTop + size.height) {
      scroller.scrollTop = box.top + 2 * box.height - size.height;
    }
  }, [active, boxes, size.height]);

  /** @param {Event} event */
  const item_of = (event) => {
    const word = /** @type {HTMLElement} */ (event.target).closest("[data-item]");
    return word ? Number(/** @type {HTMLElement} */ (word).dataset.item) : null;
  };
  const words = useMemo(() => <Words side={side} />, [side]);
  return (
    <section class={`aw-passage${side.texts.length <= SHORT ? " aw-short" : ""}`}>
      {titled && <h3 class={`aw-heading aw-is-${label.split(":")[0]}`}>{label}</h3>}
      <div class="aw-passage-frame">
        <canvas ref={canvas} class="aw-washes" style={{ width: size.width, height: size.height }} />
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the widget's own keys step through words */}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: see above */}
        <div
          ref={ref}
          class="aw-paper-scroll"
          onScroll={(event) => {
            scrolled.value = event.currentTarget.scrollTop;
          }}
          onPointerMove={(event) => {
            if (event.pointerType !== "touch") props.onPeek(item_of(event));
          }}
          onPointerLeave={() => props.onPeek(null)}
          onClick={(event) => {
            const item = item_of(event);
            if (item !== null) props.onChoose(item);
          }}
        >
          <div ref={paper} class="aw-paper" dir="auto">
            {words}
          </div>
        </div>
      </div>
    </section>
  );
}

/** The words as text; made once for a text, however often the washes change. @param {{side: Side}} props */
function Words({ side }) {
  return side.texts.map((text, item) => {
    const { text: shown, marked } = shown_token(text);
    const breaks = marked ? "\n".repeat(text.split("\n").length - 1) : "";
    const classes = [
      "aw-word",
      marked && "aw-marked",
      side.kinds[item] && `aw-${side.kinds[item]}`,
    ];
    const short = cut_middle(shown, LONGEST_WORD);
    return [
      side.gaps[item],
      <span
        key={item}
        class={classes.filter(Boolean).join(" ")}
        data-item={item}
        data-segment={side.segments && !side.kinds[item] ? side.segments[item] % 2 : undefined}
        title={short === shown ? undefined : text}
      >
        {short}
        {breaks}
      </span>,
    ];
  });
}

/**
 * Where every word stands on the paper; a broken one stands in two places.
 *
 * @param {import("preact").RefObject<HTMLDivElement>} paper
 * @param {readonly unknown[]} inputs
 * @returns {import("../draw/washes.js").Box[][]}
 */
function useBoxes(paper, inputs) {
  const [boxes, set_boxes] = useState(/** @type {import("../draw/washes.js").Box[][]} */ ([]));
  useLayoutEffect(() => {
    const element = paper.current;
    if (!element) return;
    const origin = element.parentElement?.getBoundingClientRect() ?? { left: 0, top: 0 };
    const scrolled = element.parentElement?.scrollTop ?? 0;
    set_boxes(
      [...element.querySelectorAll("[data-item]")].map((word) =>
        [...word.getClientRects()]
          .filter(({ width }) => width > 0)
          .map(({ left, top, width, height }) => ({
            left: left - origin.left,
            top: top - origin.top + scrolled,
            width,
            height,
          })),
      ),
    );
  }, inputs);
  return boxes;
}

/** The theme's own colours, for the canvas. @param {Element} element @param {"query" | "key"} near */
function own_colours(element, near) {
  const style = element.ownerDocument.defaultView?.getComputedStyle(element);
  const colour = (/** @type {string} */ name) =>
    style?.getPropertyValue(`--aw-${name}`).trim() ?? "";
  return {
    near: colour(near),
    far: colour(near === "query" ? "key" : "query"),
    found: colour("found"),
  };
}

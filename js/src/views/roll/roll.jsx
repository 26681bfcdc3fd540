import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { SIGN_COLOURS } from "../../draw/colours.js";
import { VISIBLE } from "../../messages.js";
import { DirectionChoice } from "../../parts/lines_controls.jsx";
import { useSize } from "../../parts/use_size.js";
import { looker } from "../../place.js";
import { percent, weight_in_words } from "../../words.js";
import { least_height, names_beside, roll_of, scrolled_to } from "./layout.js";
import { copies_of, items_of, notes_in } from "./notes.js";
import { Arcs, Brackets, Paper } from "./paper.jsx";
import { usePlaying } from "./use_playing.js";
import { Again, Said, told } from "./words.jsx";

/** @typedef {import("../messages.js").RollPicture} RollPicture */
/** @typedef {import("./notes.js").Copy} Copy */

/** Beside the roll, above it and below it, in CSS pixels. */
const [NAMES, SHARES, BRACKETS] = [38, 18, 24];
const [LEAST_ARCS, MOST_ARCS, LEAST_ROLL] = [44, 150, 100];
/** Shares from here on are written out. */
const WRITTEN = 0.05;
/** Half the width of "100 %". */
const HALF = 18;
const [SLOWEST, FASTEST, USUAL] = [60, 240, 132];
const LECTURE = 1.6;
/** Of type on the roll. */
const [TYPE, LARGE_TYPE] = [11, 20];

/**
 * A melody on a piano roll: what a note looks at as arcs over it, and where its passage comes again.
 *
 * @param {import("../../app.jsx").ViewProps} props
 */
export function RollView(props) {
  const own = props.scene.own.value;
  const picture = own?.picture.kind === "roll" ? own.picture : null;
  return (
    <div class={`aw-roll${own?.stale ? " aw-stale" : ""}`}>
      {own && picture && <Melody {...props} {...{ own, picture }} />}
    </div>
  );
}

/**
 * @param {import("../../app.jsx").ViewProps & {own: NonNullable<import("../../scene.js").Scene["own"]["value"]>,
 *   picture: RollPicture}} props
 */
function Melody({ scene, state, ui, own, picture }) {
  const [ref, size] = useSize();
  const [tempo, set_tempo] = useState(USUAL);
  const scroller = useRef(/** @type {HTMLDivElement | null} */ (null));
  const line = useRef(/** @type {HTMLElement | null} */ (null));
  const { place, sides } = own;
  const from = place.direction === "from";
  const items = useMemo(() => items_of(picture, sides.queries), [picture, sides]);
  const notes = useMemo(() => notes_in(items), [items]);

  const type = ui.lecture.value ? LECTURE : 1;
  const room = {
    width: size.width - NAMES * type - 2,
    height: size.height - (SHARES + BRACKETS) * type - 2,
  };
  const least = Math.max(LEAST_ROLL, least_height(items, type));
  const arcs = Math.min(0.36 * room.height, room.height - least, MOST_ARCS * type);
  const above = Math.max(LEAST_ARCS, arcs);
  const roll = useMemo(
    () => roll_of(items, { ...room, height: Math.max(least, room.height - above) }, type),
    [items, size.width, size.height, type],
  );

  const row = scene.row.value;
  const peek = ui.peek.value;
  const at = row?.at ?? peek?.at ?? looker(place);
  const is_known = row !== null && row.weights.length === items.length;
  const weights = is_known ? row.weights : null;
  const flags = is_known ? row.flags : null;
  const active = at !== null && at < items.length ? at : null;
  const copies = useMemo(() => {
    const here = active === null ? -1 : notes.indexOf(items[active]);
    return here < 0 ? [] : copies_of(notes, here);
  }, [items, notes, active]);
  const top = weights ? weights.reduce((most, w) => Math.max(most, Math.abs(w) || 0), 0) || 1 : 1;
  const scheme = ui.scheme.value;
  const signs = row?.signed ? SIGN_COLOURS[scheme] : null;
  const is_playing = ui.playing.value;

  const trouble = usePlaying({
    ...{ ui, items, tempo, direction: place.direction },
    onMove: (item, share) => {
      if (!line.current) return;
      const { x, width } = roll.columns[item];
      line.current.style.transform = `translateX(${x + share * width}px)`;
    },
  });

  const best = weights && heaviest(weights);
  // What is selected, or sounds, is brought into sight; and what it looks at, where there is room.
  useEffect(() => {
    const element = scroller.current;
    if (!element || active === null) return;
    element.scrollLeft = scrolled_to(
      roll,
      { left: element.scrollLeft, width: element.clientWidth },
      is_playing || best === null ? [active] : [active, best.item],
    );
  }, [active, best?.item, roll]);

  /** @param {number | null} item */
  const peek_at = (item) => {
    if (ui.playing.peek()) return;
    const next = item === null ? null : { direction: place.direction, at: item };
    if (JSON.stringify(ui.peek.peek()) !== JSON.stringify(next)) ui.peek.value = next;
  };
  const [near, far] = from ? ["query", "key"] : ["key", "query"];
  /** @param {number} item @param {boolean} end  Whether it is the other end of the link. */
  const choose = (item, end) => scene.select(end ? { [far]: item } : { [near]: item, [far]: null });

  const shared = { items, roll, weights, flags, active, from, type, written: WRITTEN };
  return (
    <>
      <p class="aw-roll-said">
        {active === null ? (
          "Choose a note."
        ) : (
          <Said {...{ items, from, copies, notes, best }} at={active} />
        )}
      </p>
      <div class="aw-roll-controls">
        <button
          type="button"
          class="aw-button aw-roll-play"
          title={`${is_playing ? "Stop" : "Play the melody"} (p)`}
          onClick={() => {
            ui.playing.value = !ui.playing.peek();
          }}
        >
          {is_playing ? "■ Stop" : "▶ Play"}
        </button>
        <label class="aw-roll-tempo">
          <input
            type="range"
            min={SLOWEST}
            max={FASTEST}
            step="4"
            value={tempo}
            aria-label="Tempo"
            aria-valuetext={`${tempo} beats a minute`}
            onInput={(event) => set_tempo(Number(event.currentTarget.value))}
          />
          <span>{tempo} / min</span>
        </label>
        <DirectionChoice scene={scene} state={state} />
        {trouble && (
          <p class="aw-roll-trouble" role="status">
            {trouble}
          </p>
        )}
      </div>
      <div
        class="aw-roll-stage"
        ref={ref}
        style={{ minHeight: `${LEAST_ARCS + least + (SHARES + BRACKETS) * type + 2}px` }}
      >
        <div
          class="aw-roll-names"
          style={{ width: `${NAMES * type}px`, paddingTop: `${above + SHARES * type}px` }}
          aria-hidden="true"
        >
          <div style={{ height: `${roll.height}px` }}>
            {names_beside(roll, items, 13 * type).map(({ pitch, name }) => (
              <span key={pitch} style={{ top: `${roll.top(pitch) + roll.row / 2}px` }}>
                {name}
              </span>
            ))}
          </div>
        </div>
        <div class="aw-roll-scroll" ref={scroller}>
          <div class="aw-roll-paper" style={{ width: `${roll.width}px` }}>
            <Arcs {...shared} {...{ top, signs }} height={above} />
            <div class="aw-roll-shares" style={{ height: `${SHARES * type}px` }}>
              {weights &&
                items.map(({ item }) => {
                  const weight = weights[item];
                  if (!(Math.abs(weight) >= WRITTEN) || flags?.[item] !== VISIBLE) return null;
                  const { x, width } = roll.columns[item];
                  return (
                    <span key={item} style={{ left: `${within(x + width / 2, roll, type)}px` }}>
                      {percent(weight)}
                    </span>
                  );
                })}
            </div>
            <Paper
              {...shared}
              {...{ copies, notes, top, signs }}
              letters={type > 1 ? LARGE_TYPE : TYPE}
              other={from ? place.key : place.query}
              told_of={(item) => told_with(items[item], weights?.[item], flags?.[item])}
              onPeek={peek_at}
              onChoose={choose}
            />
            <Brackets {...{ roll, notes, copies }} height={BRACKETS * type} />
            {is_playing && <i class="aw-roll-now" ref={line} />}
          </div>
        </div>
      </div>
      <p class="aw-roll-foot">
        <span class="aw-roll-legend">
          <i class="aw-roll-swatch" /> comes again
          <i class="aw-roll-swatch aw-roll-moved" /> transposed
        </span>{" "}
        {active !== null && items[active].note && <Again copies={copies} notes={notes} />}
      </p>
    </>
  );
}

/** @param {import("./notes.js").Item} item @param {number} [weight] @param {number} [flag] */
function told_with(item, weight, flag) {
  if (weight === undefined) return told(item);
  return `${told(item)}: ${flag === VISIBLE ? weight_in_words(weight) : "not looked at from here"}`;
}

/** So that a number beside the edge is not cut. @param {number} x @param {{width: number}} roll @param {number} type */
const within = (x, { width }, type) => Math.max(HALF * type, Math.min(width - HALF * type, x));

/** @param {Float32Array} weights */
function heaviest(weights) {
  let item = -1;
  for (let i = 0; i < weights.length; i++) {
    if (weights[i] > 0 && (item < 0 || weights[i] > weights[item])) item = i;
  }
  return item < 0 ? null : { item, weight: weights[item] };
}

import { useMemo, useState } from "preact/hooks";
import { Legend } from "../../parts/legend.jsx";
import { DirectionChoice } from "../../parts/lines_controls.jsx";
import { Token } from "../../parts/token.jsx";
import { useSize } from "../../parts/use_size.js";
import { looker } from "../../place.js";
import { percent, weight_in_words } from "../../words.js";
import { Chips } from "./chips.jsx";
import { HeadsOverImage } from "./heads.jsx";
import {
  cells_in,
  moved,
  place_in_words,
  rank_of,
  spread,
  token_at,
  windows_of,
} from "./layout.js";
import { Stage } from "./stage.jsx";

/** @typedef {import("../messages.js").ImagePicture} ImagePicture */

/** From this width on words and heads stand beside the image. */
const ROOM_FOR_TWO = 480;
const SHARE_OF_IMAGE = 0.54;
const [LEAST, LEAST_WHEN_NARROW, MOST_WHEN_NARROW] = [160, 220, 380];
/** Sentence, numbers and slider around the image. */
const HEIGHT_OF_WORDS = 118;
const STRENGTH = 0.6;

/**
 * The image that the model saw, with the attention of a patch, a word or the class token over it.
 *
 * @param {import("../../app.jsx").ViewProps} props
 */
export function ImageView(props) {
  const { scene, ui } = props;
  const [ref, size] = useSize();
  const own = scene.own.value;
  const picture = own?.picture.kind === "image" ? own.picture : null;
  const large = ui.lecture.value;
  return (
    <div class={`aw-image${own?.stale ? " aw-stale" : ""}`} ref={ref}>
      {own && picture && <Image {...props} {...{ own, picture, size, large }} />}
    </div>
  );
}

/**
 * @param {import("../../app.jsx").ViewProps & {own: NonNullable<import("../../scene.js").Scene["own"]["value"]>,
 *   picture: ImagePicture, size: {width: number, height: number}, large: boolean}} props
 */
function Image({ scene, state, ui, own, picture, size, large }) {
  const [strength, set_strength] = useState(STRENGTH);
  const [pointed, set_pointed] = useState(/** @type {number | null} */ (null));
  const { place, sides } = own;
  const layer = place.layer.layer;
  const scheme = ui.scheme.value;
  const scale = state.scale.value;
  const from = place.direction === "from";
  const cells = useMemo(() => cells_in(picture, sides, layer), [picture, sides, layer]);
  const [near, far] = from ? [cells.queries, cells.keys] : [cells.keys, cells.queries];
  const windows = windows_of(picture, layer);

  const row = scene.row.value;
  const at = row?.at ?? looker(place);
  const weights = row?.weights ?? null;
  const over = useMemo(() => spread(weights ?? new Float32Array(), far), [weights, far]);
  const grid = (near ?? far)?.grid ?? null;
  const selected = looker(place);
  const other = from ? place.key : place.query;
  const [near_side, far_side] = from ? ["query", "key"] : ["key", "query"];

  /** @param {number | null} item */
  const peek_at = (item) => {
    const next = item === null ? null : { direction: place.direction, at: item };
    if (JSON.stringify(ui.peek.peek()) !== JSON.stringify(next)) ui.peek.value = next;
  };
  /** Select a cell: as the one that looks, or as the other end. @param {number} cell @param {boolean} end */
  const go_to = (cell, end) => {
    const of_far = end || !near;
    const item = (of_far ? far : near)?.items[cell] ?? -1;
    if (item >= 0) {
      if (of_far) scene.select({ [far_side]: item });
      else scene.select({ [near_side]: item, [far_side]: null });
      return;
    }
    const found = windows && token_at(picture, windows, cell);
    // Another window is another batch item.
    if (found) state.choose({ batch: found.batch, [near_side]: found.token, [far_side]: null });
  };
  /** @param {{across: number, down: number}} point */
  const cell_at = ({ across, down }) => {
    const [rows, cols] = grid ?? [1, 1];
    return Math.floor(down * rows) * cols + Math.floor(across * cols);
  };
  /** @param {KeyboardEvent} event */
  const on_key = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !grid) return;
    if (event.key === "Home") {
      const beside = near ? near.cells.indexOf(-1) : 0;
      scene.select({ [near_side]: Math.max(0, beside), [far_side]: null });
    } else if (event.key.startsWith("Arrow")) {
      const end = event.shiftKey || !near;
      const [map, item] = end ? [far, other] : [near, selected];
      go_to(moved(grid, item === null ? -1 : (map?.cells[item] ?? -1), event.key), end);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const wide = size.width >= ROOM_FOR_TWO * (large ? 1.4 : 1);
  const box = box_of(picture, size, wide, large);
  /** @type {import("./stage.jsx").Frame[]} */
  const frames = [];
  /** @param {import("./layout.js").Cells | null} map @param {number | null} item @param {"query" | "key"} as */
  const frame = (map, item, as) => {
    const cell = item === null ? -1 : (map?.cells[item] ?? -1);
    if (map && cell >= 0) frames.push({ cell, grid: map.grid, as });
  };
  if (pointed !== null && grid) frames.push({ cell: pointed, grid, as: "pointer" });
  frame(far, other, from ? "key" : "query");
  frame(near, at, from ? "query" : "key");

  const rows = scene.patch_rows.value;
  const of_heads = rows?.picture.kind === "patch_rows" ? rows.picture : null;
  const names = from ? own.tokens.queries : own.tokens.keys;
  const one_list = sides.keys === sides.queries;
  /** @param {"queries" | "keys"} name */
  const chips = (name) => {
    const is_near = (name === "queries") === from;
    const title = !one_list
      ? name === "queries"
        ? "Look"
        : "Are looked at"
      : sides[name].kinds.every((kind, i) => kind !== "" || (cells[name]?.cells[i] ?? -1) >= 0)
        ? "Beside the patches"
        : "Words of the text";
    return (
      <Chips
        side={sides[name]}
        cells={cells[name]}
        as={name === "queries" ? "query" : "key"}
        title={title}
        row={(one_list || !is_near) && row ? row : null}
        scale={scale}
        query={one_list || name === "queries" ? (from ? at : place.query) : null}
        looked_at={one_list || name === "keys" ? (from ? place.key : at) : null}
        onPeek={(item) => {
          if (one_list || is_near) peek_at(item);
        }}
        onChoose={(item) => {
          if (one_list || is_near) scene.select({ [near_side]: item, [far_side]: null });
          else scene.select({ [far_side]: item });
        }}
      />
    );
  };

  return (
    <>
      <p class="aw-image-said">
        {at === null ? (
          "Choose a patch or a word."
        ) : (
          <>
            {from ? "Where " : "Who looks at "}
            <Token said text={names[at]} as={from ? "query" : "key"} />
            {from ? " looks" : ""}: the deeper the colour over a patch, the larger its weight.
            {windows && " It sees only its own window; the rest is dimmed."}
          </>
        )}
      </p>
      <div class={`aw-image-parts${wide ? " aw-image-wide" : ""}`}>
        <div class="aw-image-main" style={{ width: `${box.width}px` }}>
          <Stage
            {...{ picture, box, far, scale, strength, scheme, frames }}
            spread={over}
            label={`The image, ${picture.said}, in ${grid?.join(" × ")} patches`}
            onPoint={(point) => {
              const cell = point && grid ? cell_at(point) : null;
              set_pointed(cell);
              const item = cell === null || !near ? -1 : near.items[cell];
              peek_at(item < 0 ? null : item);
            }}
            onChoose={(point, event) => go_to(cell_at(point), event.shiftKey)}
            onKey={on_key}
          />
          <Numbers
            {...{ over, grid, far, row, windows, picture }}
            cell={pointed ?? (other === null ? null : (far?.cells[other] ?? null))}
          />
          <label class="aw-image-strength">
            <span>overlay</span>
            <input
              type="range"
              min="0"
              max="1"
              step="0.05"
              value={strength}
              aria-label="Strength of the overlay"
              aria-valuetext={percent(strength)}
              onInput={(event) => set_strength(Number(event.currentTarget.value))}
            />
            <span>{percent(strength)}</span>
          </label>
        </div>
        <div class="aw-image-side">
          <div class="aw-image-controls">
            <DirectionChoice scene={scene} state={state} />
            <Legend
              scale={{ name: scale, top: over.top, beyond: over.top }}
              scheme={scheme}
              onScale={(name) => state.choose({ scale: name })}
            />
          </div>
          {one_list ? (
            chips("queries")
          ) : (
            <>
              {chips("queries")}
              {chips("keys")}
            </>
          )}
          {of_heads && far && (
            <HeadsOverImage
              {...{ picture, far, scale, scheme }}
              rows={of_heads}
              selected={place.head}
              stale={rows?.stale ?? false}
              onChoose={(head) => state.choose({ head })}
            />
          )}
          <p class="aw-quiet aw-image-note">
            The image {picture.said}: {picture.size.join(" × ")} pixels
            {grid && `, ${grid.join(" × ")} patches`}.
          </p>
        </div>
      </div>
    </>
  );
}

/**
 * The exact number of one patch, and how much is over the image at all.
 *
 * @param {{over: ReturnType<typeof spread>, grid: [number, number] | null, cell: number | null,
 *   far: import("./layout.js").Cells | null, row: {weights: Float32Array} | null,
 *   windows: import("../messages.js").WindowFacts | null, picture: ImagePicture}} props
 */
function Numbers({ over, grid, cell, far, row, windows }) {
  if (!row || !grid) return <p class="aw-image-numbers">&nbsp;</p>;
  const item = cell === null || cell < 0 ? -1 : (far?.items[cell] ?? -1);
  const at = item >= 0 && cell !== null ? over.over[cell] : 0;
  return (
    <p class="aw-image-numbers" aria-live="polite">
      {cell !== null && cell >= 0 && (
        <span>
          {place_in_words(grid, cell)}:{" "}
          {item >= 0 ? (
            <>
              <b>{weight_in_words(row.weights[item])}</b>{" "}
              <span class="aw-quiet">
                rank {rank_of(over.over, at)} of {far?.cells.filter((one) => one >= 0).length}
              </span>{" "}
            </>
          ) : (
            <span class="aw-quiet">
              {windows ? "outside the window; a click goes there" : "not looked at from here"}
            </span>
          )}
        </span>
      )}
      <span class="aw-quiet">
        <span class="aw-whole">patches together {percent(over.inside)}</span>
        {over.outside > 0 && (
          <>
            , <span class="aw-whole">beside them {percent(over.outside)}</span>
          </>
        )}
      </span>
    </p>
  );
}

/**
 * As large as there is room.
 *
 * @param {ImagePicture} picture
 * @param {{width: number, height: number}} size
 * @param {boolean} wide
 * @param {boolean} large
 */
function box_of({ shape: [rows, cols] }, size, wide, large) {
  const words = HEIGHT_OF_WORDS * (large ? 1.7 : 1);
  const most = wide
    ? { width: SHARE_OF_IMAGE * size.width, height: Math.max(LEAST, size.height - words) }
    : {
        width: Math.min(size.width - 24, MOST_WHEN_NARROW),
        height: Math.max(LEAST_WHEN_NARROW, size.height - words),
      };
  const scale = Math.max(
    LEAST / Math.max(rows, cols),
    Math.min(most.width / cols, most.height / rows),
  );
  return { width: Math.round(cols * scale), height: Math.round(rows * scale) };
}

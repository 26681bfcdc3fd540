import { colours_of_heads } from "../draw/colours.js";
import { toggle_head } from "../head_sets.js";
import { ColourBy } from "../parts/colour_by.jsx";
import { HeadGrid, sizes_for } from "../parts/head_grid.jsx";
import { LooksLike } from "../parts/looks_like.jsx";
import { useSize } from "../parts/use_size.js";
import { is_pattern } from "../place.js";

const LEAST_SIDE = 24;
const MOST_SIDE = 128;
/** Thumbnails are made to fit the height only while they stay at least this large; numbers smaller. */
const [LEAST_SIDE_TO_FIT, LEAST_NUMBER_TO_FIT] = [56, 24];

/**
 * Every head, large: the way in. A click selects, a double click opens its lines.
 *
 * @param {{scene: import("../scene.js").Scene, state: import("../state.js").State,
 *   ui: import("../ui.js").Ui, alone?: boolean}} props  `alone`: without what stands around it.
 */
export function GridView({ scene, state, ui, alone = false }) {
  const [ref, size] = useSize();
  const place = scene.place.value;
  const overview = scene.overview.value;
  const stack = overview?.place.stack ?? place?.stack;
  const measured = scene.measured.value ?? undefined;
  const Weighed = scene.weighed.value;
  const is_wide = ui.layout.value === "wide";
  return (
    <div class={`aw-grid-view${is_wide ? "" : " aw-grid-narrow"}`}>
      {!is_wide && !alone && <ColourBy state={state} />}
      <div class="aw-grid-scroll" ref={ref}>
        {place && stack && size.width > 0 && (
          <HeadGrid
            picture={overview?.picture ?? null}
            stack={stack}
            sizes={sizes_for(stack, room_of(size, stack, measured), LEAST_SIDE, MOST_SIDE)}
            only={null}
            selected={{ layer: place.layer.layer, head: place.head }}
            scheme={ui.scheme.value}
            scale={state.scale.value}
            together={place.heads}
            colours_together={colours_of_heads(place.heads, ui.scheme.value)}
            onChoose={(layer, head) => state.choose({ layer, head })}
            onToggle={(layer, head) => {
              const now = scene.place.peek();
              if (now) toggle_head(state, now, [layer, head]);
            }}
            onOpen={() => state.choose({ view: "lines" })}
            measured={measured}
            weighed={!is_pattern(place)}
          />
        )}
      </div>
      {place && is_wide && !alone && (
        <aside class="aw-grid-side">
          <ColourBy state={state} />
          <h3 class="aw-heading">
            Layer {place.layer.layer}, head {place.head}
          </h3>
          <p class="aw-quiet">{place.layer.module}</p>
          <LooksLike scene={scene} />
          {scene.direct.value && Weighed && (
            <Weighed.Direct scene={scene} state={state} picture={scene.direct.value} />
          )}
          <button type="button" class="aw-button" onClick={() => state.choose({ view: "lines" })}>
            Open as lines
          </button>
        </aside>
      )}
    </div>
  );
}

/**
 * Few layers are all seen at once; many scroll, at the size that the width allows.
 *
 * @param {{width: number, height: number}} size
 * @param {import("../messages.js").StackFacts} stack
 * @param {unknown} measured  Whether they stand for numbers.
 */
function room_of(size, { layers }, measured) {
  const least = measured ? LEAST_NUMBER_TO_FIT : LEAST_SIDE_TO_FIT;
  const fits = size.height / layers.length >= least;
  return { width: size.width, height: fits ? size.height : Number.POSITIVE_INFINITY };
}

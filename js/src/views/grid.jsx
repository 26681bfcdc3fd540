import { colours_of_heads } from "../draw/colours.js";
import { toggle_head } from "../head_sets.js";
import { HeadGrid, sizes_for } from "../parts/head_grid.jsx";
import { LooksLike } from "../parts/looks_like.jsx";
import { useSize } from "../parts/use_size.js";

const LEAST_SIDE = 24;
const MOST_SIDE = 128;
/** Thumbnails are made to fit the height only while they stay at least this large. */
const LEAST_SIDE_TO_FIT = 56;

/**
 * Every head, large: the way in. A click selects, a double click opens its lines.
 *
 * @param {{scene: import("../scene.js").Scene, state: import("../state.js").State,
 *   ui: import("../ui.js").Ui}} props
 */
export function GridView({ scene, state, ui }) {
  const [ref, size] = useSize();
  const place = scene.place.value;
  const overview = scene.overview.value;
  const stack = overview?.place.stack ?? place?.stack;
  return (
    <div class="aw-grid-view">
      <div class="aw-grid-scroll" ref={ref}>
        {place && stack && size.width > 0 && (
          <HeadGrid
            picture={overview?.picture ?? null}
            stack={stack}
            sizes={sizes_for(stack, room_of(size, stack.layers.length), LEAST_SIDE, MOST_SIDE)}
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
          />
        )}
      </div>
      {place && ui.layout.value === "wide" && (
        <aside class="aw-grid-side">
          <h3 class="aw-heading">
            Layer {place.layer.layer}, head {place.head}
          </h3>
          <p class="aw-quiet">{place.layer.module}</p>
          <LooksLike scene={scene} />
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
 * @param {number} layers
 */
function room_of(size, layers) {
  const fits = size.height / layers >= LEAST_SIDE_TO_FIT;
  return { width: size.width, height: fits ? size.height : Number.POSITIVE_INFINITY };
}

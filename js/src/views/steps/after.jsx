import { useLayoutEffect, useRef } from "preact/hooks";
import { Vector } from "../../parts/vector.jsx";
import { plural } from "../../words.js";
import { largest_size } from "./numbers.js";

/** @typedef {import("../messages.js").StepsPicture} StepsPicture */
/** @typedef {import("../../parts/vector.jsx").Said} Said */

const GAP = 16;
const LEAST_HEAD = 112;
/** Around the grid, for the ground of this head. */
const PADDING = 4;
const MOST_STRIP = 900;
const HEIGHT = 28;

/**
 * What all heads of the layer have made for this query, side by side.
 *
 * @param {{picture: StepsPicture, width: number, unit: number, onSay: (said: Said | null) => void,
 *   onHead: (head: number) => void}} props
 */
export function HeadsOut({ picture, width, unit, onSay, onHead }) {
  const { heads_out, heads, head: own } = picture;
  const ref = useRef(/** @type {HTMLElement | null} */ (null));
  // Of many heads this one is brought into sight.
  useLayoutEffect(() => {
    const [scroller, at] = [ref.current, ref.current?.querySelector(".aw-own-head")];
    if (!scroller || !(at instanceof HTMLElement)) return;
    const top = at.offsetTop - scroller.offsetTop;
    if (top + at.offsetHeight > scroller.clientHeight) scroller.scrollTop = top - GAP;
  }, [own, width, heads_out]);
  if (!heads_out) return null;
  const size = heads_out.length / heads;
  const room = width - 2 * PADDING;
  const across = Math.max(1, Math.min(heads, Math.floor((room + GAP) / (LEAST_HEAD * unit + GAP))));
  const cell = Math.min(260 * unit, Math.floor((room + GAP) / across) - GAP);
  const scale = largest_size(heads_out);
  return (
    <section ref={ref} class="aw-steps-after" aria-label="Outputs of all heads">
      <div class="aw-heads-out" style={{ gridTemplateColumns: `repeat(${across}, ${cell}px)` }}>
        {Array.from({ length: heads }, (_, head) => (
          <div key={head} class={head === own ? "aw-head-out aw-own-head" : "aw-head-out"}>
            <button
              type="button"
              aria-pressed={head === own}
              onClick={() => head !== own && onHead(head)}
            >
              head {head}
            </button>
            <Vector
              values={heads_out.subarray(head * size, (head + 1) * size)}
              {...{ scale, width: cell, onSay, as: "value" }}
              height={HEIGHT * unit}
              label={`output of head ${head}`}
              reached={head === own}
            />
          </div>
        ))}
      </div>
    </section>
  );
}

/**
 * What the output projection makes of all heads, and this head's part in it, to one scale.
 *
 * @param {{picture: StepsPicture, width: number, unit: number,
 *   onSay: (said: Said | null) => void}} props
 */
export function Projected({ picture, width, unit, onSay }) {
  const { projected, part, projection, head } = picture;
  if (!projected || !projection) return null;
  const drawn = projected.length;
  const scale = largest_size([...projected, ...(part ?? [])]);
  /** @type {[string, string, Float32Array | undefined][]} */
  const strips = [
    ["all heads", `${projection.name}: all heads`, projected],
    [
      projection.bias ? `of head ${head} alone, without bias` : `of head ${head} alone`,
      `${projection.name}: of head ${head} alone`,
      part,
    ],
  ];
  return (
    <section class="aw-steps-after" aria-label="Output projection">
      {strips.map(
        ([words, label, values]) =>
          values && (
            <div key={label} class="aw-projected">
              <p class="aw-quiet">
                <b title={projection.path}>{projection.name}</b> {words}
                {drawn < projection.size && `, the first ${drawn} of ${projection.size} numbers`}
                {words === "all heads" &&
                  drawn === projection.size &&
                  `, ${plural(drawn, "number")}`}
              </p>
              <Vector
                {...{ values, scale, label, onSay, as: "product" }}
                width={Math.max(60, Math.min(MOST_STRIP * unit, width))}
                height={HEIGHT * unit}
              />
            </div>
          ),
      )}
    </section>
  );
}

/**
 * Where values are not known: what the model itself has as the head's output.
 *
 * @param {{picture: StepsPicture, width: number, unit: number,
 *   onSay: (said: Said | null) => void}} props
 */
export function OwnOutput({ picture, width, unit, onSay }) {
  const values = picture.output ?? picture.own_output;
  if (!values) return null;
  return (
    <section class="aw-steps-after" aria-label="Output of the head">
      <p class="aw-quiet">output of head {picture.head}</p>
      <Vector
        {...{ values, onSay, as: "value" }}
        label={`output of head ${picture.head}`}
        scale={largest_size(values)}
        width={Math.max(60, Math.min(MOST_STRIP * unit, width))}
        height={HEIGHT * unit}
      />
    </section>
  );
}

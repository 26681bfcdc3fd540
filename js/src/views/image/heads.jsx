import { useMemo } from "preact/hooks";
import { Pixels } from "../../parts/pixels.jsx";
import { spread } from "./layout.js";
import { faded, overlay, shrunk } from "./paint.js";

/** Pixels of a small image. */
const SIDE = 64;
/** How strong the overlay is there: the images are small. */
const STRENGTH = 0.9;

/**
 * Every head of the layer over a small image: where each looks from the selected token.
 *
 * @param {object} props
 * @param {import("../messages.js").ImagePicture} props.picture
 * @param {import("../messages.js").PatchRowsPicture} props.rows
 * @param {import("./layout.js").Cells} props.far
 * @param {number} props.selected
 * @param {import("../../draw/scale.js").ScaleName} props.scale
 * @param {import("../../draw/colours.js").Scheme} props.scheme
 * @param {boolean} props.stale
 * @param {(head: number) => void} props.onChoose
 */
export function HeadsOverImage(props) {
  const { picture, rows, far, selected, scale, scheme, stale, onChoose } = props;
  const [count, n] = rows.shape;
  const small = useMemo(() => {
    const [h, w] = picture.shape;
    const { rgb, size } = shrunk(picture.rgb, [h, w], SIDE);
    return { pixels: faded(rgb, STRENGTH, scheme), size };
  }, [picture, scheme]);
  const heads = useMemo(
    () =>
      Array.from({ length: count }, (_, head) => {
        const { over, top, inside } = spread(rows.weights.subarray(head * n, (head + 1) * n), far);
        return {
          pixels: overlay(over, far.items, { scale, top, strength: STRENGTH, scheme }),
          inside,
        };
      }),
    [rows, far, scale, scheme],
  );
  const [height, width] = picture.shape;
  return (
    <section class={`aw-image-heads${stale ? " aw-stale" : ""}`}>
      <h3 class="aw-heading">
        Heads of layer {rows.layer} <span class="aw-quiet">each on a scale of its own</span>
      </h3>
      <div class="aw-image-strip">
        {heads.map(({ pixels, inside }, head) => (
          <button
            key={head}
            type="button"
            class="aw-image-head"
            aria-pressed={head === selected}
            aria-label={`Head ${head}`}
            title={`Head ${head}: ${inside.toFixed(2)} over the image`}
            onClick={() => onChoose(head)}
          >
            <span class="aw-image-small" style={{ aspectRatio: `${width} / ${height}` }}>
              <Pixels {...small} smooth />
              <Pixels pixels={pixels} size={far.grid} />
            </span>
            <span>{head}</span>
          </button>
        ))}
      </div>
    </section>
  );
}

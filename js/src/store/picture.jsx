import { useEffect, useRef, useState } from "preact/hooks";

/** @typedef {{width: number, height: number, data: Uint8ClampedArray}} Pixels */

/**
 * @param {string} url  A PNG as a data URL.
 * @param {Document} document
 * @returns {Promise<Pixels>}
 */
async function decoded(url, document) {
  const image = document.createElement("img");
  image.src = url;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.drawImage(image, 0, 0);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

/** Pictures weighed less than this change no pixel. */
const LEAST = 1e-4;

/**
 * Σ a v of pictures, pixel by pixel.
 *
 * @param {number[]} weights
 * @param {Pixels[]} pictures  All of one size.
 * @returns {Uint8ClampedArray<ArrayBuffer>}
 */
export function blend_of_pictures(weights, pictures) {
  const sums = new Float32Array(pictures[0].data.length);
  pictures.forEach(({ data }, i) => {
    const weight = weights[i];
    if (weight < LEAST) return;
    for (let j = 0; j < sums.length; j++) sums[j] += weight * data[j];
  });
  // Opaque also where many small weights were left out.
  for (let j = 3; j < sums.length; j += 4) sums[j] = 255;
  return Uint8ClampedArray.from(sums);
}

/** The blend of pictures. @param {{urls: string[], weights: number[]}} props */
export function BlendedPicture({ urls, weights }) {
  const ref = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const [pictures, set_pictures] = useState(/** @type {Pixels[]} */ ([]));

  useEffect(() => {
    const document = ref.current?.ownerDocument;
    if (!document) return undefined;
    let is_wanted = true;
    Promise.all(urls.map((url) => decoded(url, document)))
      .then((all) => is_wanted && set_pictures(all))
      .catch(() => is_wanted && set_pictures([]));
    return () => {
      is_wanted = false;
    };
  }, [urls]);

  useEffect(() => {
    const canvas = ref.current;
    if (!canvas || pictures.length !== weights.length) return;
    const { width, height } = pictures[0];
    [canvas.width, canvas.height] = [width, height];
    const image = new ImageData(blend_of_pictures(weights, pictures), width, height);
    canvas.getContext("2d")?.putImageData(image, 0, 0);
  }, [pictures, weights]);

  return <canvas ref={ref} class="aw-blended" role="img" aria-label="The blend of the pictures" />;
}

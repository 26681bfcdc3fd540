import { useLayoutEffect, useRef } from "preact/hooks";

/**
 * Pixels as they are, stretched over the element around them.
 *
 * @param {{pixels: Uint8ClampedArray, size: [number, number], smooth?: boolean}} props  `size`: rows, columns.
 */
export function Pixels({ pixels, size: [rows, cols], smooth = false }) {
  const ref = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  useLayoutEffect(() => {
    const canvas = ref.current;
    if (!canvas) return;
    [canvas.width, canvas.height] = [cols, rows];
    const context = canvas.getContext("2d");
    if (!context) return;
    const image = context.createImageData(cols, rows);
    image.data.set(pixels);
    context.putImageData(image, 0, 0);
  }, [pixels, rows, cols]);
  return <canvas ref={ref} class={`aw-pixels${smooth ? " aw-smooth" : ""}`} />;
}

import { useLayoutEffect, useRef, useState } from "preact/hooks";

/** @typedef {import("./cells.js").Pixels} Pixels */

/**
 * A canvas of `width` × `height` CSS pixels at the screen's own resolution, drawn once per frame.
 *
 * @param {number} width
 * @param {number} height
 * @param {number} ground  Pixel to start from.
 * @param {(pixels: Pixels, unit: number) => void} paint  `unit` is one CSS pixel in device pixels.
 * @param {readonly unknown[]} inputs  Painted again when one of them changes.
 * @returns {import("preact").RefObject<HTMLCanvasElement>}
 */
export function useCanvas(width, height, ground, paint, inputs) {
  return useDrawing(
    width,
    height,
    (context, ratio) => {
      const { canvas } = context;
      const image = context.createImageData(canvas.width, canvas.height);
      const data = new Uint32Array(image.data.buffer);
      data.fill(ground);
      paint({ data, width: canvas.width, height: canvas.height }, Math.max(1, Math.round(ratio)));
      context.putImageData(image, 0, 0);
    },
    [ground, ...inputs],
  );
}

/**
 * The same for strokes and fills: a canvas that is cleared, and drawn on in device pixels.
 *
 * @param {number} width
 * @param {number} height
 * @param {(context: CanvasRenderingContext2D, ratio: number) => void} draw  `ratio`: device pixels
 *   in a CSS pixel.
 * @param {readonly unknown[]} inputs
 * @returns {import("preact").RefObject<HTMLCanvasElement>}
 */
export function useDrawing(width, height, draw, inputs) {
  const ref = useRef(/** @type {HTMLCanvasElement | null} */ (null));
  const [ratio, set_ratio] = useState(1);

  // The window may move to another screen, or the page be zoomed.
  useLayoutEffect(() => {
    const view = ref.current?.ownerDocument.defaultView;
    if (!view) return undefined;
    set_ratio(view.devicePixelRatio);
    const query = view.matchMedia?.(`(resolution: ${view.devicePixelRatio}dppx)`);
    const update = () => set_ratio(view.devicePixelRatio);
    query?.addEventListener("change", update);
    return () => query?.removeEventListener("change", update);
  }, [ratio]);

  useLayoutEffect(() => {
    const canvas = ref.current;
    const view = canvas?.ownerDocument.defaultView;
    if (!canvas || !view || width <= 0 || height <= 0) return undefined;
    const frame = view.requestAnimationFrame(() => {
      const context = canvas.getContext("2d");
      if (!context) return;
      const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
      if (canvas.width !== w || canvas.height !== h) [canvas.width, canvas.height] = [w, h];
      // Also what was drawn scrolled.
      context.setTransform(1, 0, 0, 1, 0, 0);
      context.clearRect(0, 0, w, h);
      draw(context, ratio);
    });
    return () => view.cancelAnimationFrame(frame);
  }, [width, height, ratio, ...inputs]);
  return ref;
}

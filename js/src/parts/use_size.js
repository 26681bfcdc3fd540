import { useLayoutEffect, useRef, useState } from "preact/hooks";

/**
 * An element's own size, followed; zero while it is hidden.
 *
 * @returns {[import("preact").RefObject<HTMLDivElement>, {width: number, height: number}]}
 */
export function useSize() {
  const ref = useRef(/** @type {HTMLDivElement | null} */ (null));
  const [size, set_size] = useState({ width: 0, height: 0 });
  useLayoutEffect(() => {
    const element = ref.current;
    if (!element) return undefined;
    const observer = new ResizeObserver(([entry]) => {
      const { width, height } = entry.contentRect;
      set_size((now) => (now.width === width && now.height === height ? now : { width, height }));
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, size];
}

import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { between } from "../../links.js";

/** @typedef {import("../../links.js").Strand} Strand */

const MILLISECONDS = 150;

/**
 * The strands to draw now: when the head changes, its lines move over to those of the next one.
 *
 * Only from head to head of one text; under another text the lines would mean nothing on the way.
 *
 * @param {import("../../strung.js").Strung} strung
 * @param {Element} element  On the page that is drawn on.
 * @returns {Strand[]}
 */
export function useMorph({ strands, tokens, stale }, element) {
  const [share, set_share] = useState(1);
  const last = useRef({ strands, tokens });
  const before = useRef(/** @type {Strand[] | null} */ (null));
  const view = element.ownerDocument.defaultView;

  useLayoutEffect(() => {
    if (!view || stale || last.current.strands === strands) return undefined;
    const was = last.current;
    last.current = { strands, tokens };
    const still = view.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? true;
    const same_text = was.tokens.keys === tokens.keys && was.tokens.queries === tokens.queries;
    const same_heads =
      String(was.strands.map(({ set }) => set)) === String(strands.map((s) => s.set));
    if (still || !same_text || same_heads || was.strands.length !== strands.length)
      return undefined;
    before.current = was.strands;
    const began = view.performance.now();
    let frame = 0;
    const step = () => {
      const t = Math.min(1, (view.performance.now() - began) / MILLISECONDS);
      // Fast at first, gently to its end.
      set_share(1 - (1 - t) ** 3);
      if (t < 1) frame = view.requestAnimationFrame(step);
      else before.current = null;
    };
    step();
    return () => {
      view.cancelAnimationFrame(frame);
      before.current = null;
      set_share(1);
    };
  }, [strands, stale]);

  const from = before.current;
  if (share >= 1 || !from) return strands;
  return strands.map((strand, s) => ({
    set: strand.set,
    links: (direction, at) =>
      between(from[s].links(direction, at), strand.links(direction, at), share),
  }));
}

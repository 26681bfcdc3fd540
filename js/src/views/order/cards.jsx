import { useLayoutEffect, useRef } from "preact/hooks";
import { Token } from "../../parts/token.jsx";
import { num } from "../../store/said.js";
import { in_powers } from "../../words.js";

const MILLISECONDS = 170;
const HEIGHT = 24;

/**
 * Tokens side by side, moved to where they stand now.
 *
 * @param {{name: string, texts: string[], order: number[], outputs: number[][] | null,
 *   differences: number[] | null}} props  Each list by the place before.
 */
export function Cards({ name, texts, order, outputs, differences }) {
  const list = useRef(/** @type {HTMLOListElement | null} */ (null));
  useMoves(list, order);
  const top = Math.max(...(outputs ?? []).flat().map(Math.abs), 1e-30);
  return (
    <ol class="aw-order-cards" ref={list} aria-label={`In this order: each ${name}`}>
      {order.map((at) => (
        <li key={at} data-at={at}>
          <span class="aw-order-name">
            <Token text={texts[at]} most={8} />
            <span class="aw-order-place" title={`${name} ${at} of the text`}>
              {at}
            </span>
          </span>
          {outputs && <OutputStrip vector={outputs[at]} top={top} name={texts[at]} />}
          {outputs && (
            <span class="aw-order-change">
              {differences ? `Δ ${change_in_words(differences[at])}` : " "}
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

/** @param {number} change */
export const change_in_words = (change) => (change < 0.01 ? in_powers(change, 1) : num(change));

/** A head's output as bars above and below a base line. @param {{vector: number[], top: number, name: string}} props */
function OutputStrip({ vector, top, name }) {
  const first = vector.slice(0, 4).map((x) => x.toFixed(3).replace("-", "−"));
  const label = `h of ${name}: ${first.join(", ")}${vector.length > 4 ? " …" : ""}`;
  const half = HEIGHT / 2;
  return (
    <svg
      class="aw-order-strip"
      viewBox={`0 ${-half} ${vector.length} ${HEIGHT}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <title>{label}</title>
      <path d={vector.map((x, i) => `M${i} 0h0.86v${(-half * x) / top}h-0.86z`).join("")} />
    </svg>
  );
}

/**
 * Moved elements glide from where they were.
 *
 * @param {import("preact").RefObject<HTMLElement>} list
 * @param {number[]} order
 */
function useMoves(list, order) {
  const before = useRef(/** @type {Map<string, [number, number]>} */ (new Map()));
  useLayoutEffect(() => {
    const element = list.current;
    const view = element?.ownerDocument.defaultView;
    if (!element || !view) return;
    const still = view.matchMedia?.("(prefers-reduced-motion: reduce)").matches ?? true;
    const now = new Map();
    for (const card of /** @type {Iterable<HTMLElement>} */ (element.children)) {
      const name = card.dataset.at ?? "";
      now.set(name, [card.offsetLeft, card.offsetTop]);
      const was = before.current.get(name);
      if (still || !was) continue;
      const [dx, dy] = [was[0] - card.offsetLeft, was[1] - card.offsetTop];
      if (dx === 0 && dy === 0) continue;
      card.animate([{ transform: `translate(${dx}px, ${dy}px)` }, { transform: "none" }], {
        duration: MILLISECONDS,
        easing: "ease-out",
      });
    }
    before.current = now;
  }, [order]);
}

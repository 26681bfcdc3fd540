import { num, short_num } from "../../store/said.js";
import { histogram } from "./numbers.js";

const BINS = 81;

/**
 * How scores are spread, on an axis from −bound to bound.
 *
 * @param {{numbers: ArrayLike<number>, bound: number}} props
 */
export function Histogram({ numbers, bound }) {
  const counts = histogram(numbers, bound, BINS);
  const most = Math.max(...counts, 1);
  const all = Array.from(numbers);
  const label = `${all.length} scores from ${num(Math.min(...all))} to ${num(Math.max(...all))}`;
  return (
    <div class="aw-histogram">
      <svg viewBox={`0 0 ${BINS} 40`} preserveAspectRatio="none" role="img" aria-label={label}>
        <title>{label}</title>
        <path
          d={counts
            .map((count, i) => (count ? `M${i} 40h0.9v${(-38 * count) / most}h-0.9z` : ""))
            .join("")}
        />
      </svg>
      <div class="aw-axis" aria-hidden="true">
        <span>{short_num(-bound)}</span>
        <span>0</span>
        <span>{short_num(bound)}</span>
      </div>
    </div>
  );
}

/** Weights of one query's keys, from 0 to 1. @param {{weights: number[]}} props */
export function Bars({ weights }) {
  return (
    <div
      class="aw-bars"
      role="img"
      aria-label={`Weights ${weights.map((w) => w.toFixed(2)).join(", ")}`}
    >
      {weights.map((weight, i) => (
        <span key={i} title={`key ${i + 1}: ${weight.toFixed(4)}`}>
          <i style={{ height: `${100 * weight}%` }} />
        </span>
      ))}
    </div>
  );
}

/** One share of 1. @param {{share: number}} props */
export function MeanBar({ share }) {
  return (
    <div class="aw-mean-bar" role="img" aria-label={`${share.toFixed(4)} of 1`}>
      <i style={{ width: `${100 * share}%` }} title={share.toFixed(4)} />
    </div>
  );
}

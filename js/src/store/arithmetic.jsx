import { cut_middle } from "../words.js";
import { blend_of_numbers, blend_of_vectors, dot } from "./numbers.js";
import { beta_in_words, num, vector_in_words, writer_of } from "./said.js";

/** @typedef {{view: import("./state.js").View}} Shown */

/** More terms than this are left out, and dots stand for them. */
const MOST_TERMS = 3;

/** @param {import("./state.js").View} view @param {number} at */
const name_of = ({ names }, at) => cut_middle(names[at], 20) || `entry ${at + 1}`;

/** The step of the flow that is on, with its numbers. @param {Shown} props */
export function Arithmetic({ view }) {
  const Written = [Score, Scaled, Attention, Blended][view.reach];
  return (
    <p class="aw-arithmetic">
      <Written view={view} />
    </p>
  );
}

/** In brackets, where its minus would stand beside another sign. @param {number} value @param {typeof num} write */
const factor = (value, write) => (value < 0 ? `(${write(value)})` : write(value));

/** @param {Shown} props */
function Score({ view }) {
  const { entry } = view;
  const query = view.query[view.at];
  const key = view.keys[entry];
  const write = writer_of([...query, ...key]);
  if (view.by_distance) {
    return (
      <>
        −½ · (<Q>{write(query[0])}</Q> − <K>{factor(key[0], write)}</K>)² ={" "}
        <b>{write(view.scores[entry])}</b>
      </>
    );
  }
  const terms = query.slice(0, MOST_TERMS);
  return (
    <>
      <Q>q</Q>·<K>{name_of(view, entry)}</K> ={" "}
      {terms.map((number, i) => (
        <span key={i}>
          {i > 0 && " + "}
          <Q>{factor(number, write)}</Q>·<K>{factor(key[i], write)}</K>
        </span>
      ))}
      {query.length > MOST_TERMS && " + …"} = <b>{write(dot(query, key))}</b>
      {query.length > 1 && (
        <span class="aw-quiet">
          ; over both lengths, {write(Math.hypot(...query))} · {write(Math.hypot(...key))}, the
          cosine {num(view.cosines[entry])}
        </span>
      )}
    </>
  );
}

/** @param {Shown} props */
function Scaled({ view }) {
  const { beta, scores, entry } = view;
  const write = writer_of(scores);
  const name = <K>{name_of(view, entry)}</K>;
  if (!Number.isFinite(beta)) {
    return (
      <>
        β → ∞: of {name}’s score, {write(scores[entry])}, only its place in the order is left.
      </>
    );
  }
  return (
    <>
      β · {name}’s score = {beta_in_words(beta)} · {factor(scores[entry], write)} ={" "}
      <b>{num(beta * scores[entry])}</b>
    </>
  );
}

/** @param {Shown} props */
function Attention({ view }) {
  const { entry, scores, weights, order, beta } = view;
  const name = <K>{name_of(view, entry)}</K>;
  const top = scores[order[0]];
  const said_top = writer_of(scores)(top);
  const ties = scores.filter((score) => score === top).length;
  if (view.hard) {
    return (
      <>
        argmax: the largest score, {said_top}, gets 1, the others 0
        {ties > 1 && `; of ${ties} alike the first`}. {name}: <b>{num(weights[entry])}</b>
      </>
    );
  }
  if (!Number.isFinite(beta)) {
    return (
      <>
        soft(arg)max with β → ∞: the largest score, {said_top}, gets all
        {ties > 1 && `; ${ties} alike share it`}. {name}: <b>{num(weights[entry])}</b>
      </>
    );
  }
  const others = order.filter((at) => at !== entry).slice(0, MOST_TERMS - 1);
  const power = (/** @type {number} */ at) => (
    <>
      e<sup>{num(beta * scores[at])}</sup>
    </>
  );
  return (
    <>
      {name}: {power(entry)} / ({power(entry)}
      {others.map((at) => (
        <span key={at}> + {power(at)}</span>
      ))}
      {scores.length > MOST_TERMS && " + …"}) = <b>{weights[entry].toFixed(3)}</b>
    </>
  );
}

/** @param {Shown} props */
function Blended({ view }) {
  const { order, weights, values, kind } = view;
  const terms = order.slice(0, MOST_TERMS).filter((at) => weights[at] > 0);
  const left_out = weights.filter((weight) => weight > 0).length > terms.length;
  const write = writer_of(/** @type {number[]} */ (values.flat()));
  const result =
    kind === "number"
      ? write(blend_of_numbers(weights, /** @type {number[]} */ (values)))
      : kind === "vector"
        ? vector_in_words(blend_of_vectors(weights, /** @type {number[][]} */ (values)), 4, write)
        : null;
  return (
    <>
      {terms.map((at, i) => (
        <span key={at}>
          {i > 0 && " + "}
          {weights[at].toFixed(2)} ·{" "}
          <V>
            {kind === "number"
              ? factor(/** @type {number} */ (values[at]), write)
              : name_of(view, at)}
          </V>
        </span>
      ))}
      {left_out && " + …"}
      {result !== null && (
        <>
          {" = "}
          <b>{result}</b>
        </>
      )}
    </>
  );
}

/** @param {{children: import("preact").ComponentChildren}} props */
const Q = ({ children }) => <span class="aw-of-query">{children}</span>;
/** @param {{children: import("preact").ComponentChildren}} props */
const K = ({ children }) => <span class="aw-of-key">{children}</span>;
/** @param {{children: import("preact").ComponentChildren}} props */
const V = ({ children }) => <span class="aw-of-value">{children}</span>;

import { Token } from "../../parts/token.jsx";
import { in_powers, percent, plural } from "../../words.js";
import { decimal, scale_in_words, short } from "./numbers.js";

/** @typedef {import("../messages.js").StepsPicture} StepsPicture */
/** @typedef {import("./numbers.js").Row} Row */
/** @typedef {import("./stage_names.js").Stage} Stage */

/**
 * @typedef {object} Told  What a sentence is about.
 * @property {StepsPicture} picture
 * @property {Row} spot  The key that is taken as the example.
 * @property {string} query  Its text.
 * @property {string[]} keys  Texts of all.
 */

/** What happens at a stage, in plain words with numbers of the example. @param {Told & {stage: Stage}} props */
export function StageSentence({ stage, ...told }) {
  const Words = SENTENCES[stage];
  return <Words {...told} />;
}

/** @type {Record<Stage, (told: Told) => any>} */
const SENTENCES = {
  query: ({ picture, query }) => (
    <>
      The query of <Token text={query} as="query" />: {picture.d} numbers that say what this head
      looks for from there. Bars above the line are positive, bars below negative.
    </>
  ),
  keys: ({ picture }) => (
    <>
      Every token has a key of {picture.d} numbers, too: what it can be found by. All keys are drawn
      to one scale.
    </>
  ),
  products: ({ query, keys, spot }) => (
    <>
      <Token text={query} as="query" /> is held against every key, number by number. Where it and,
      say, <Key {...{ keys, spot }} /> both have the same sign, their product is positive: there
      they point the same way.
    </>
  ),
  sum: ({ picture, query, keys, spot }) => (
    <>
      <b>{said(spot.dot)}</b> is the sum of the {picture.d} products of{" "}
      <Token text={query} as="query" /> and <Key {...{ keys, spot }} />; the larger, the more they
      point the same way.
    </>
  ),
  scale: Scaled,
  mask: Masked,
  softmax: Softmax,
  values: ({ picture, keys, spot }) => (
    <>
      Every token also has a value of {picture.dv} numbers: what it gives when it is looked at. Each
      is multiplied by its weight, that of <Key {...{ keys, spot }} /> by{" "}
      <b>{percent(spot.weight)}</b>.
    </>
  ),
  output: Output,
  heads: ({ picture, query }) => (
    <>
      The other {picture.heads - 1 === 1 ? "head" : `${picture.heads - 1} heads`} of the layer did
      the same for <Token text={query} as="query" />. All {picture.heads} outputs, one behind the
      other, are {picture.heads * (picture.dv ?? 0)} numbers.
    </>
  ),
  projection: ({ picture }) => (
    <>
      The layer <b>{picture.projection?.name}</b> makes {picture.projection?.size} numbers of the{" "}
      {picture.heads * (picture.dv ?? 0)} of all heads
      {picture.projection?.bias && ", and adds its bias"}. Head {picture.head} has its part in each.
    </>
  ),
};

/** @param {{keys: string[], spot: Row}} props */
const Key = ({ keys, spot }) => <Token text={keys[spot.key] ?? ""} as="key" />;

/** @param {number | undefined} value */
const said = (value) => (value === undefined ? "?" : short(value));

/** @param {Told} told */
function Scaled({ picture, keys, spot }) {
  const { scale, softcap, d } = picture;
  const words = scale_in_words({ scale, d, softcap: null });
  const is_root = words.startsWith("÷");
  return (
    <>
      {words && (
        <>
          Every sum is taken {words}
          {is_root &&
            `, as long vectors would else give large sums whatever they say (√${d} = ${short(Math.sqrt(d ?? 0))})`}
          : {said(spot.dot)} of <Key {...{ keys, spot }} /> becomes <b>{said(spot.scaled)}</b>.
        </>
      )}
      {softcap !== null && (
        <>
          {" "}
          Then a soft cap keeps it within ±{short(softcap)}: {short(softcap)} · tanh(
          {said(spot.scaled)} / {short(softcap)}) = <b>{said(spot.capped)}</b>.
        </>
      )}
    </>
  );
}

/** @param {Told} told */
function Masked({ picture, query, keys, spot }) {
  const hidden = picture.masked.reduce((sum, flag) => sum + (flag === 1 ? 1 : 0), 0);
  const is_all = picture.row[1] - picture.row[0] === picture.key_len;
  const more = picture.added_is.filter((name) => name !== "mask");
  const kinds = {
    mask: "",
    position: "a number that depends on the distance of the two tokens alone",
    bias: "a bias that the call was given",
    other: "what else the model does to its scores",
  };
  return (
    <>
      {picture.sees_nothing ? (
        <>
          The mask hides all {picture.key_len} keys from <Token text={query} as="query" />: it may
          look nowhere.
        </>
      ) : (
        hidden > 0 && (
          <>
            The mask hides {hidden} of {is_all ? "the" : "these"}{" "}
            {plural(picture.row[1] - picture.row[0], "key")} from <Token text={query} as="query" />:
            their scores become −∞, and so their shares 0.
          </>
        )
      )}
      {more.length > 0 && (
        <>
          {" "}
          Added to each score: {more.map((name) => kinds[name]).join(" and ")}; to that of{" "}
          <Key {...{ keys, spot }} />{" "}
          {spot.added === undefined ? "nothing known" : <b>{short(spot.added)}</b>}.
        </>
      )}
    </>
  );
}

/** @param {Told} told */
function Softmax({ picture, query, keys, spot }) {
  const { max, sum, sink, sees_nothing } = picture;
  if (sees_nothing) {
    return (
      <>
        <Token text={query} as="query" /> may look at no key: what stands here is what the model
        made of a row without any.
      </>
    );
  }
  if (max === null || sum === null || picture.scores === undefined) {
    return (
      <>
        The weights of <Token text={query} as="query" />, as the model used them: what part of its
        output comes from which key. <Key {...{ keys, spot }} /> has <b>{percent(spot.weight)}</b>.
      </>
    );
  }
  const sink_is_largest = sink !== null && sink === max;
  return (
    <>
      Softmax: the largest score, <b>{short(max)}</b>
      {sink_is_largest && " of the sink"}, is subtracted from each before exp, so the largest
      becomes exp(0) = 1. They sum to <b>{short(sum)}</b>
      {sink !== null && ` with exp(${short(sink - max)}) of the sink`}; each is divided by that.
      That leaves <Key {...{ keys, spot }} /> <b>{percent(spot.softmax ?? spot.weight)}</b>.
    </>
  );
}

/** @param {Told} told */
function Output({ picture, query, keys, spot }) {
  const { error, head } = picture;
  return (
    <>
      {picture.output ? (
        <>
          Added up, number by number, they are the output of head {head} for{" "}
          <Token text={query} as="query" />, <b>{percent(spot.weight)}</b> of it from{" "}
          <Key {...{ keys, spot }} />.
        </>
      ) : (
        <>
          What the model itself has as the output of head {head} for{" "}
          <Token text={query} as="query" />.
        </>
      )}
      {error !== null && (
        <>
          {" "}
          The model's own differs by at most <b>{error_in_words(error)}</b>
          {error > 0 && " of its largest number"}.
        </>
      )}
    </>
  );
}

/** @param {number} error  Relative. */
export const error_in_words = (error) => (error < 0.001 ? in_powers(error, 2) : percent(error));

/**
 * What must be known of this row at a stage, and what is not there, each in a sentence.
 *
 * @param {StepsPicture} picture
 * @param {Stage} stage
 * @param {Stage[]} stages
 * @returns {string[]}
 */
export function notes_of(picture, stage, stages) {
  const { has_products, kv_heads, heads, sink, key_len } = picture;
  const is_last = stage === stages.at(-1);
  /** @type {(string | false | null)[]} */
  const notes = [];
  /** @param {Stage[]} at @param {string | false | null} text */
  const say = (at, text) => notes.push(at.includes(stage) && text);

  say(["mask", "softmax"], !has_products && picture.why_no_products);
  say(["query", "keys", "sum", "scale", "softmax"], picture.why_no_scores);
  if (kv_heads > 0 && kv_heads < heads) {
    const shared = heads / kv_heads;
    const first = picture.kv_head * shared;
    const all = shared === 2 ? `heads ${first} and ${first + 1} share` : undefined;
    say(
      ["keys", "products", "values"],
      `${stage === "values" ? "Values" : "Keys"} are those of key/value head ${picture.kv_head}, which ${all ?? `heads ${first} to ${first + shared - 1} share`}.`,
    );
  }
  if (picture.has_products && picture.scale === 1 && picture.softcap === null) {
    say(["sum"], "This model does not scale its sums.");
  }
  say(["softmax"], picture.after_softmax);
  const sees = 1 - picture.weights_sum;
  if (sink !== null && picture.sink_is_known) {
    say(
      ["softmax", "values", "output"],
      `A sink with the score ${short(sink)} stands beside the keys: ${percent(sees)} goes to it, and it has no value.`,
    );
  } else if (sink !== null) {
    say(
      ["softmax", "values", "output"],
      `${percent(sees)} of the softmax is missing in the weights, as if a key with the score ${short(sink)} had it: it goes to no token, or to values that are not shown.`,
    );
  } else if (Math.abs(sees) > 0.005 && !picture.sees_nothing) {
    say(["softmax", "values"], `The weights sum to ${decimal(picture.weights_sum, 3)}.`);
  }
  say(["softmax", "values", "output"], picture.dropout);
  const cut = [picture.d, picture.dv].some((size) => size !== null && size > 512);
  say(
    ["query", "keys", "products", "values"],
    cut && "Of longer vectors the first 512 numbers are drawn.",
  );
  const [first, stop] = picture.row;
  if (stop - first < key_len) {
    say(["mask", "softmax"], `Numbers are shown of keys ${first} to ${stop - 1} of ${key_len}.`);
  }
  say(
    ["output"],
    !/^float(32|64)$/.test(picture.dtype) &&
      `The model computes in ${picture.dtype}; here its numbers are followed in float64.`,
  );
  const before_output = stages.includes("output") ? ["output"] : ["values", stages.at(-1)];
  say(/** @type {Stage[]} */ (before_output), picture.why_no_output);
  say(
    ["heads"],
    !picture.heads_out_are_own &&
      "The model keeps these to itself: they are worked out from weights and values.",
  );
  say(["projection"], picture.projection?.remark ?? null);
  if (is_last && picture.projection === null) notes.push(picture.why_no_projection);
  return [...new Set(notes)].filter((note) => typeof note === "string").filter(Boolean);
}

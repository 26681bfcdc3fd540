import { useState } from "preact/hooks";
import { Segmented } from "../../parts/segmented.jsx";
import { Token } from "../../parts/token.jsx";
import { useSize } from "../../parts/use_size.js";
import { shown_token } from "../../words.js";
import {
  CHANGES,
  first_choice,
  is_unknown,
  nats,
  share_in_words,
  shares_of_most,
} from "./words.js";

/** @typedef {import("../messages.js").WithoutPicture} WithoutPicture */

/** More of them say little, and push what stands below out of sight. */
const MOST_CANDIDATES = 6;
/** The other heads stand beside the candidates where there is room for both. */
const ROOM_FOR_TWO = 480;

/**
 * What the model predicts without one of its heads, without positions, or with these shuffled.
 *
 * @param {import("../../app.jsx").ViewProps} props
 */
export function WithoutView({ scene, state }) {
  const [ref, size] = useSize();
  const own = scene.own.value;
  const picture = own?.picture.kind === "without" ? own.picture : null;
  const is_selected = state.query.value !== null;
  return (
    <div class="aw-taught aw-without" ref={ref}>
      <div class="aw-without-choice">
        <span class="aw-quiet">Take away</span>
        <Segmented
          label="What is taken away"
          value={state.remove.value}
          options={CHANGES}
          onChoose={(remove) => state.choose({ remove })}
        />
      </div>
      {picture && own ? (
        <Moved
          picture={picture}
          texts={own.tokens.queries}
          gaps={own.sides.queries.gaps}
          read={own.model.offers.includes("image") ? "image" : "text"}
          stale={own.stale}
          wide={size.width >= ROOM_FOR_TWO}
          state={state}
        />
      ) : (
        <p class="aw-quiet">
          {is_selected
            ? "Running the model once more …"
            : "Select a token: ← and → step through them."}
        </p>
      )}
    </div>
  );
}

/**
 * @param {{picture: WithoutPicture, texts: string[], gaps: string[], read: string, stale: boolean,
 *   wide: boolean, state: import("../../state.js").State}} props
 */
function Moved({ picture, texts, gaps, read, stale, wide, state }) {
  const { candidates, change, kl, kl_of_heads, what, at, said, parts, remark } = picture;
  const heads = change === "head" && kl_of_heads && (
    <Heads
      {...{ picture, kl_of_heads }}
      onChoose={(head) => state.choose({ head, layer: picture.layer })}
    />
  );
  const here = kl[what === "classes" ? 0 : at];
  return (
    <div class={stale ? "aw-stale" : ""} aria-busy={stale}>
      <div class="aw-without-top">
        <p class="aw-taught-said aw-without-said" aria-live="polite">
          <InWords picture={picture} token={texts[at] ?? ""} read={read} />
        </p>{" "}
        <p class="aw-without-kl">
          It moved by <b title={`${nats(here, true)} nats`}>{nats(here)} nats</b>{" "}
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what it says on hover, it says on focus */}
          <span class="aw-kl aw-quiet" tabIndex={0}>
            (KL divergence)
            <span class="aw-kl-formula" role="tooltip">
              Σ p · ln(p / q) over all {picture.of.toLocaleString("en")} candidates, p before and q
              after
            </span>
          </span>
        </p>
      </div>
      {what !== "classes" && (
        <Strip {...{ picture, texts, gaps }} onChoose={(query) => state.choose({ query })} />
      )}
      <div class="aw-without-parts">
        {!wide && heads}
        <Candidates candidates={telling(candidates)} />
        {wide && heads}
      </div>
      <p class="aw-taught-note">
        {change === "head" ? "Zeros go into " : said ? `${said} ` : ""}
        <code>{parts.join(", ")}</code>
        {change === "head" ? " in place of what this head has gathered. " : ". "}
        {change === "head" && said && `${said} `}
        {change === "order" && `The order is drawn with seed ${picture.seed}. `}
        {remark}
      </p>
    </div>
  );
}

/** The sentence on top. @param {{picture: WithoutPicture, token: string, read: string}} props */
function InWords({ picture, token, read }) {
  const { candidates, change, layer, head, what } = picture;
  const asked = <Token text={token} as="query" />;
  const start = {
    head: `Without head ${head} of layer ${layer}`,
    residual: `Without the residual connections of layer ${layer}`,
    positions: "Without positions",
    order: "With positions shuffled",
  }[change];
  if (candidates.length === 0) {
    return <>{start}: where the logits are NaN or infinite there is nothing to compare.</>;
  }
  const [before, after] = [first_choice(candidates, "before"), first_choice(candidates, "after")];
  return (
    <>
      {start}, {what === "next" && <>after {asked} the model says </>}
      {what === "masked" && <>in place of {asked} the model says </>}
      {what === "token classes" && <>the model takes {asked} for </>}
      {what === "classes" && <>the model takes the {read} for </>}
      <Said text={before.text} /> with <b>{share_in_words(before.after)}</b> instead of{" "}
      <span class="aw-share-said">{share_in_words(before.before)}</span>
      {after !== before && (
        <>
          ; its first choice is now <Said text={after.text} /> with{" "}
          <span class="aw-share-said">{share_in_words(after.after)}</span>
        </>
      )}
      .
    </>
  );
}

/** A candidate in a sentence. @param {{text: string}} props */
const Said = ({ text }) =>
  is_unknown(text) ? <Unknown text={text} /> : <i>{shown_token(text).text}</i>;

/** @param {{text: string}} props */
const Unknown = ({ text }) => (
  <span class="aw-quiet" title={`${text.trim()}: any word that is not in the vocabulary`}>
    (unknown word)
  </span>
);

/** Those that take the largest share before or after, in their order. @param {WithoutPicture["candidates"]} candidates */
function telling(candidates) {
  const share = (/** @type {typeof candidates[number]} */ one) => Math.max(one.before, one.after);
  const least = candidates.map(share).sort((a, b) => b - a)[MOST_CANDIDATES - 1] ?? 0;
  return candidates.filter((one) => share(one) >= least);
}

/** Two lists of bars in one order. @param {{candidates: WithoutPicture["candidates"]}} props */
function Candidates({ candidates }) {
  const after = candidates.length > 0 ? first_choice(candidates, "after") : null;
  return (
    <table class="aw-candidates">
      <thead>
        <tr>
          <th scope="col">
            <span class="aw-hidden">candidate</span>
          </th>
          <th scope="col">before</th>
          <th scope="col">after</th>
        </tr>
      </thead>
      <tbody>
        {candidates.map((one, i) => (
          <tr key={i}>
            <th scope="row">
              {is_unknown(one.text) ? <Unknown text={one.text} /> : <Token text={one.text} />}
            </th>
            <Share share={one.before} is_first={i === 0} />
            <Share share={one.after} is_first={one === after} />
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** @param {{share: number, is_first: boolean}} props */
function Share({ share, is_first }) {
  return (
    <td
      title={`${Number((100 * share).toPrecision(4))} %`}
      class={is_first ? "aw-first-choice" : ""}
    >
      <span class="aw-share-line">
        <i style={{ width: `${100 * share}%` }} />
        <span>{share_in_words(share)}</span>
      </span>
    </td>
  );
}

/**
 * How far the prediction moves when each head of the layer is muted instead.
 *
 * @param {{picture: WithoutPicture, kl_of_heads: Float32Array, onChoose: (head: number) => void}} props
 */
function Heads({ picture, kl_of_heads, onChoose }) {
  const shares = shares_of_most(kl_of_heads);
  return (
    <section class="aw-heads-moved">
      <h3 class="aw-heading" title={`Heads of layer ${picture.layer}`}>
        Each head muted instead
      </h3>
      <ol class={shares.length > 8 ? "aw-in-two" : ""}>
        {shares.map((share, head) => (
          <li key={head}>
            <button
              type="button"
              class="aw-head-moved"
              aria-pressed={head === picture.head}
              aria-label={`head ${head}: ${nats(kl_of_heads[head])} nats`}
              title={`${nats(kl_of_heads[head], true)} nats`}
              onClick={() => onChoose(head)}
            >
              <span>head {head}</span>
              <span class="aw-share-line">
                <i style={{ width: `${100 * share}%` }} />
                <span>{nats(kl_of_heads[head])}</span>
              </span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

/**
 * All tokens, shaded by how much their prediction moved.
 *
 * @param {{picture: WithoutPicture, texts: string[], gaps: string[],
 *   onChoose: (token: number) => void}} props
 */
function Strip({ picture, texts, gaps, onChoose }) {
  const [peeked, set_peeked] = useState(/** @type {number | null} */ (null));
  const { kl, at, most, order } = picture;
  const has_order = order.length === kl.length;
  const shares = shares_of_most(kl);
  const near = peeked !== null && peeked < kl.length ? peeked : at;
  /** @param {Event} event */
  const item_of = (event) => {
    const found = /** @type {HTMLElement} */ (event.target).closest("[data-item]");
    return found ? Number(/** @type {HTMLElement} */ (found).dataset.item) : null;
  };
  return (
    <section class="aw-moved">
      <h3 class="aw-heading">How far the prediction at each token moved</h3>
      <div
        class="aw-moved-tokens"
        dir="auto"
        onPointerMove={(event) => set_peeked(item_of(event))}
        onPointerLeave={() => set_peeked(null)}
        onFocusIn={(event) => set_peeked(item_of(event))}
        onFocusOut={() => set_peeked(null)}
      >
        {texts.slice(0, kl.length).map((text, i) => (
          <button
            key={i}
            type="button"
            data-item={i}
            // The widget's own keys step through the tokens.
            tabIndex={i === at ? 0 : -1}
            class={`aw-moved-token${shares[i] > 0.55 ? " aw-on-dark" : ""}`}
            style={{ "--aw-moved": shares[i].toFixed(3) }}
            aria-pressed={i === at}
            aria-label={`${text}: ${nats(kl[i])} nats`}
            onClick={() => onChoose(i)}
          >
            {gaps[i] === "" && i > 0 ? null : " "}
            <bdi>{shown_token(text).text}</bdi>
          </button>
        ))}
      </div>
      <p class="aw-moved-said">
        <span>
          <Token text={texts[near] ?? ""} as={near === at ? "query" : "other"} />{" "}
          {nats(kl[near], true)} nats
          {has_order && `, at position ${order[near]} in place of ${near}`}
        </span>
        <span class="aw-quiet">
          most: <Token text={texts[most] ?? ""} /> {nats(kl[most])}
        </span>
        <span class="aw-moved-legend aw-quiet" aria-hidden="true">
          0 <i /> {nats(Math.max(...kl))}
        </span>
      </p>
    </section>
  );
}

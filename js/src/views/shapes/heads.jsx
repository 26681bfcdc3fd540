import { useState } from "preact/hooks";
import { Segmented } from "../../parts/segmented.jsx";
import { plural } from "../../words.js";
import { cache_of, grouped_digits, groupings_of, groups_of, sharing_in_words } from "./steps.js";

/** @typedef {import("../messages.js").ShapesPicture} ShapesPicture */

/** Above so many heads their numbers do not fit. */
const MOST_NUMBERED = 16;

/**
 * The heads in a row, with the keys and values that they share, and what that saves: the model's,
 * or what it would be with more or fewer of them.
 *
 * @param {{picture: ShapesPicture, head: number}} props
 */
export function HeadsShared({ picture, head }) {
  const { heads, kv_heads: own, why_no_products } = picture;
  const [wish, set_wish] = useState(/** @type {number | null} */ (null));
  if (why_no_products) return null;
  const counts = groupings_of(heads);
  const kv_heads = wish !== null && counts.includes(wish) ? wish : own;
  const groups = groups_of(heads, kv_heads);
  const numbered = heads <= MOST_NUMBERED;
  const rest = kv_heads === heads ? 0 : heads / kv_heads;
  const words = sharing_in_words({ heads, kv_heads });
  return (
    <section class="aw-shapes-sharing">
      <h3 class="aw-heading">Heads</h3>
      {counts.length > 1 && (
        <div class="aw-shapes-choice">
          <span class="aw-quiet">key/value heads</span>
          <Segmented
            label="Key/value heads"
            value={String(kv_heads)}
            options={counts.map((count) => [
              String(count),
              count === own ? `${count}, this model` : String(count),
            ])}
            onChoose={(count) => set_wish(Number(count))}
          />
        </div>
      )}
      <div
        class={`aw-shapes-heads${numbered ? "" : " aw-shapes-many"}`}
        role="img"
        aria-label={words}
      >
        {groups.map((group, g) => (
          <span key={group[0]} class="aw-shapes-group">
            <span class="aw-shapes-queries">
              {group.map((one) => (
                <i
                  key={one}
                  class={one === head ? "aw-chosen" : undefined}
                  title={`query head ${one} uses key/value head ${g}`}
                >
                  {numbered && one}
                </i>
              ))}
            </span>
            <span class="aw-shapes-shared">
              <i class="aw-shapes-key" title={`keys ${g}`}>
                {numbered && "k"}
              </i>
              <i class="aw-shapes-value" title={`values ${g}`}>
                {numbered && "v"}
              </i>
            </span>
          </span>
        ))}
      </div>
      <div aria-live="polite">
        <p>
          {words}
          {rest > 1 && ` Head ${head} uses number ${Math.floor(head / rest)}.`}
        </p>
        <Cache picture={picture} kv_heads={kv_heads} />
      </div>
    </section>
  );
}

/** How large all of a token's vectors are together. @param {{picture: ShapesPicture}} props */
export function HeadsFormula({ picture }) {
  const { heads, kv_heads, d, dv, width, out_width, why_no_products } = picture;
  if (why_no_products || d === null || dv === null) return null;
  return (
    <p class="aw-shapes-formula">
      H = {heads}: {heads} q, {kv_heads} k and {kv_heads} v of each token, a vector in
      {" ℝ"}
      <sup>{symbols_of(picture)}</sup>
      {" = ℝ"}
      <sup>{heads * d + kv_heads * (d + dv)}</sup>.{" "}
      {out_width !== null && (
        <>
          W<sub>h</sub> ∈ ℝ<sup>E×{d === dv ? "Hd" : "Hdv"}</sup> = ℝ
          <sup>
            {out_width}×{heads * dv}
          </sup>{" "}
          brings the heads back to ℝ<sup>{out_width}</sup>
          {width === out_width ? ", where the token was" : ""}.
        </>
      )}
    </p>
  );
}

/** How many numbers the q's, k's and v's of a token are. @param {ShapesPicture} picture */
function symbols_of({ heads, kv_heads, d, dv }) {
  if (d !== dv) return `${heads}·${d} + ${kv_heads}·${d} + ${kv_heads}·${dv}`;
  return heads === kv_heads ? "3Hd" : `(${heads} + 2·${kv_heads})·${d}`;
}

/** @param {{picture: ShapesPicture, kv_heads: number}} props */
function Cache({ picture, kv_heads }) {
  const [own, cache] = [cache_of(picture), cache_of({ ...picture, kv_heads })];
  if (!own || !cache) return null;
  const { batch, key_len, layers_alike } = picture;
  // Only a model that writes keeps them from token to token.
  const is_kept = picture.causal && picture.attention === "self";
  const of = `${grouped_digits(batch * key_len)} tokens and ${plural(layers_alike, "such layer")}`;
  const is_own = cache.each === own.each;
  return (
    <p>
      {is_kept ? "In a cache, keys" : "Keys"} and values {is_own ? "are" : "would be"}{" "}
      <b>{grouped_digits(cache.each)} numbers</b> for each token and layer
      {is_own && cache.saved > 0 ? (
        <>
          {" "}
          instead of {grouped_digits(cache.unshared)}. For {of} sharing saves{" "}
          <b>{grouped_digits(cache.saved)} numbers</b>: {grouped_digits(cache.all)} are kept.
        </>
      ) : (
        <>
          , <b>{grouped_digits(cache.all)}</b> for {of}.
        </>
      )}
      {!is_own && ` This model has ${grouped_digits(own.each)} and ${grouped_digits(own.all)}.`}
    </p>
  );
}

import { plural } from "../../words.js";
import { cache_of, grouped_digits, groups_of, sharing_in_words } from "./steps.js";

/** @typedef {import("../messages.js").ShapesPicture} ShapesPicture */

/** Above so many heads their numbers do not fit. */
const MOST_NUMBERED = 16;

/**
 * The heads in a row, with the keys and values that they share, and what that saves.
 *
 * @param {{picture: ShapesPicture, head: number}} props
 */
export function HeadsShared({ picture, head }) {
  const { heads, kv_heads, d, dv, width, out_width, why_no_products } = picture;
  if (why_no_products) return null;
  const groups = groups_of(heads, kv_heads);
  const numbered = heads <= MOST_NUMBERED;
  const rest = kv_heads === heads ? 0 : heads / kv_heads;
  return (
    <section>
      <h3 class="aw-heading">Heads</h3>
      <div
        class={`aw-shapes-heads${numbered ? "" : " aw-shapes-many"}`}
        role="img"
        aria-label={sharing_in_words(picture)}
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
      <p>
        {sharing_in_words(picture)}
        {rest > 1 && ` Head ${head} uses number ${Math.floor(head / rest)}.`}
      </p>
      <Cache picture={picture} />
      {d !== null && dv !== null && (
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
      )}
    </section>
  );
}

/** How many numbers the q's, k's and v's of a token are. @param {ShapesPicture} picture */
function symbols_of({ heads, kv_heads, d, dv }) {
  if (d !== dv) return `${heads}·${d} + ${kv_heads}·${d} + ${kv_heads}·${dv}`;
  return heads === kv_heads ? "3Hd" : `(${heads} + 2·${kv_heads})·${d}`;
}

/** @param {{picture: ShapesPicture}} props */
function Cache({ picture }) {
  const cache = cache_of(picture);
  if (!cache || !picture.causal || picture.attention !== "self") return null;
  const { batch, key_len, layers_alike } = picture;
  const of = `${grouped_digits(batch * key_len)} tokens and ${plural(layers_alike, "such layer")}`;
  return (
    <p>
      In a cache, keys and values are {grouped_digits(cache.each)} numbers for each token and layer
      {cache.saved > 0 ? (
        <>
          {" "}
          instead of {grouped_digits(cache.unshared)}. For {of} sharing saves{" "}
          <b>{grouped_digits(cache.saved)} numbers</b>: {grouped_digits(cache.all)} are kept.
        </>
      ) : (
        <>
          : {grouped_digits(cache.all)} for {of}.
        </>
      )}
    </p>
  );
}

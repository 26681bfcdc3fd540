import { percent } from "../words.js";
import { Token } from "./token.jsx";

const SHOWN = 3;

/**
 * What the model says comes next, stands at the mask, or is the class: one line, from the same pass.
 *
 * @param {{scene: import("../scene.js").Scene}} props
 */
export function Predictions({ scene }) {
  const made = scene.predictions.value;
  const picture = scene.shown.value;
  if (!picture || picture.stale || picture.place.query === null) return null;
  if (!made) return <NoPredictions scene={scene} />;
  const token = <Token said text={picture.tokens.queries[picture.place.query]} as="query" />;
  const { what, candidates, note, of } = made;
  const chosen = picture.model.tokens.target;
  const asks = picture.place.context.reading.weigh === "gradient";
  const at = what === "classes" ? 0 : made.token;
  if (candidates.length === 0) return note ? <p class="aw-predictions">{note}</p> : null;
  return (
    <p class="aw-predictions">
      {what === "next" && <>Next after {token}: </>}
      {what === "masked" && <>In place of {token}: </>}
      {what === "token classes" && <>{token} is: </>}
      {what === "classes" && (
        <>The {picture.model.offers.includes("image") ? "image" : "text"} is: </>
      )}
      {candidates.slice(0, asks ? candidates.length : SHOWN).map(({ text, share, id }, i) => (
        <span key={i}>
          {i > 0 && ", "}
          {asks && id !== undefined ? (
            <button
              type="button"
              class="aw-candidate"
              title="Ask about its logit"
              aria-pressed={chosen?.id === id && (chosen?.position ?? 0) === at}
              onClick={() => scene.ask(at, id)}
            >
              <Token said text={text} />
            </button>
          ) : (
            <Token said text={text} />
          )}{" "}
          {percent(share)}
        </span>
      ))}
      <span class="aw-quiet">
        {" "}
        of {of.toLocaleString("en")}
        {note && `. ${note}`}
      </span>
    </p>
  );
}

/** Why there is none, where a model was run. @param {{scene: import("../scene.js").Scene}} props */
function NoPredictions({ scene }) {
  const trouble = scene.trouble.value.predictions;
  const given = scene.place.value?.layer.source === "array";
  if (!trouble || given) return null;
  return (
    <p class="aw-predictions aw-no-predictions" title={trouble.detail}>
      {trouble.title}
    </p>
  );
}

import { useEffect, useRef } from "preact/hooks";
import { Caps } from "../parts/keys_help.jsx";
import { Nodes } from "./nodes.jsx";
import { QuestionPart } from "./question.jsx";

/**
 * The stop of a tour: its words, its question, and how far the tour has come.
 *
 * @param {{tour: import("./state.js").Tour}} props
 */
export function TourPanel({ tour }) {
  const facts = tour.facts.value;
  const stop = tour.stop.value;
  const words = useRef(/** @type {HTMLDivElement | null} */ (null));
  const at = tour.at.value;
  useEffect(() => {
    if (words.current) words.current.scrollTop = 0;
  }, [at]);
  if (!facts || !stop) return null;
  if (tour.hidden.value) {
    return (
      <div class="aw-tour-closed">
        <button
          type="button"
          class="aw-link"
          onClick={() => {
            tour.hidden.value = false;
          }}
        >
          Go on with the tour{facts.title && `: ${facts.title}`}, stop {at + 1} of{" "}
          {facts.stops.length}
        </button>
      </div>
    );
  }
  const is_last = at === facts.stops.length - 1;
  const waits = stop.ask !== null && tour.answered.value === null;
  return (
    <section class="aw-tour" aria-label={facts.title || "Tour"}>
      <div class="aw-tour-words" ref={words} aria-live="polite">
        <Nodes key={at} nodes={stop.words} />
        {stop.ask && <QuestionPart key={`ask ${at}`} tour={tour} ask={stop.ask} />}
      </div>
      <div class="aw-tour-line">
        {facts.title && <b class="aw-tour-title">{facts.title}</b>}
        <Progress tour={tour} facts={facts} />
        <span class="aw-tour-number">
          {at + 1} of {facts.stops.length}
        </span>
        <span class="aw-tour-buttons">
          <button
            type="button"
            class="aw-link"
            onClick={() => {
              tour.hidden.value = true;
            }}
          >
            Hide
          </button>
          <button type="button" class="aw-button" aria-disabled={at === 0} onClick={tour.back}>
            Back
          </button>
          <button
            type="button"
            class={`aw-button${is_last || waits ? "" : " aw-main-button"}`}
            aria-disabled={is_last && !waits}
            onClick={tour.next}
          >
            {is_last && !waits ? (
              "The end"
            ) : (
              <>
                {waits && tour.nudged.value ? "Show the answer" : "Next"}{" "}
                <span class="aw-cap-on-button" aria-hidden="true">
                  <Caps keys={["Space"]} />
                </span>
              </>
            )}
          </button>
        </span>
      </div>
    </section>
  );
}

/** @param {{tour: import("./state.js").Tour, facts: import("./state.js").TourFacts}} props */
function Progress({ tour, facts }) {
  const at = tour.at.value;
  return (
    <ol class="aw-tour-progress">
      {facts.stops.map((_, i) => (
        <li key={i}>
          <button
            type="button"
            aria-label={`Stop ${i + 1}`}
            aria-current={i === at ? "step" : undefined}
            class={i <= at ? "aw-passed" : ""}
            onClick={() => tour.go(i)}
          />
        </li>
      ))}
    </ol>
  );
}

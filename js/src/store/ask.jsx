import { useState } from "preact/hooks";
import { name_of_query } from "./state.js";

/**
 * A question in words: the caller's function makes a query of it, in the kernel.
 *
 * @param {import("./table.jsx").Shown} props
 */
export function Ask({ store, view }) {
  const [text, write] = useState("");
  const answer = store.answer.value;
  return (
    <form
      class="aw-text-line"
      onSubmit={(event) => {
        event.preventDefault();
        if (text.trim()) store.ask(view.at, text);
      }}
    >
      <div class="aw-text-box">
        <input
          class="aw-text"
          type="text"
          dir="auto"
          autocomplete="off"
          aria-label={`Ask in words, as ${name_of_query(view, view.at)}`}
          placeholder="Ask in words"
          value={text}
          onInput={(event) => write(event.currentTarget.value)}
        />
      </div>
      <button type="submit" class="aw-button aw-main-button">
        Ask
      </button>
      {answer.title && (
        <p class="aw-ask-trouble" role="alert">
          {answer.title} <span class="aw-quiet">{answer.detail}</span>
        </p>
      )}
    </form>
  );
}

import { add, add_query, duplicate, remove, remove_query } from "./edits.js";

/** What can be done to entries and queries. @param {import("./table.jsx").Shown} props */
export function EntryButtons({ store, view }) {
  /** @param {(data: import("./state.js").Data, at: number) => Partial<import("./state.js").Data>} edit @param {number} at */
  const edit = (edit, at) => {
    const data = store.data.peek();
    if (data) store.choose(edit(data, at));
  };
  const name = view.names[view.entry] || "the entry";
  return (
    <div class="aw-entry-buttons">
      <span class="aw-button-group">
        <button
          type="button"
          class="aw-link"
          onClick={() => {
            edit(add, view.at);
            store.chosen.value = view.keys.length;
          }}
        >
          Add entry
        </button>
        <button
          type="button"
          class="aw-link"
          aria-label={`Duplicate ${name}`}
          onClick={() => edit(duplicate, view.entry)}
        >
          Duplicate
        </button>
        <button
          type="button"
          class="aw-link"
          aria-label={`Remove ${name}`}
          disabled={view.keys.length === 1}
          onClick={() => {
            edit(remove, view.entry);
            store.chosen.value = null;
          }}
        >
          Remove
        </button>
      </span>
      <span class="aw-button-group">
        <button
          type="button"
          class="aw-link"
          onClick={() => {
            edit(add_query, view.at);
            store.at.value = view.query.length;
          }}
        >
          Add query
        </button>
        {view.query.length > 1 && (
          <button
            type="button"
            class="aw-link"
            aria-label={`Remove ${view.query_name}`}
            onClick={() => {
              edit(remove_query, view.at);
              store.at.value = Math.max(0, view.at - 1);
            }}
          >
            Remove query
          </button>
        )}
      </span>
    </div>
  );
}

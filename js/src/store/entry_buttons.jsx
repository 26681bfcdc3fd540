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
        <Edit
          onClick={() => {
            edit(add, view.at);
            store.chosen.value = view.keys.length;
          }}
        >
          Add entry
        </Edit>
        <Edit says={`Duplicate ${name}`} onClick={() => edit(duplicate, view.entry)}>
          Duplicate
        </Edit>
        <Edit
          says={`Remove ${name}`}
          disabled={view.keys.length === 1}
          onClick={() => {
            edit(remove, view.entry);
            store.chosen.value = null;
          }}
        >
          Remove
        </Edit>
      </span>
      <span class="aw-button-group">
        <Edit
          onClick={() => {
            edit(add_query, view.at);
            store.at.value = view.query.length;
          }}
        >
          Add query
        </Edit>
        {view.query.length > 1 && (
          <Edit
            says={`Remove ${view.query_name}`}
            onClick={() => {
              edit(remove_query, view.at);
              store.at.value = Math.max(0, view.at - 1);
            }}
          >
            Remove query
          </Edit>
        )}
      </span>
    </div>
  );
}

/** @param {{says?: string, disabled?: boolean, onClick: () => void, children: string}} props */
function Edit({ says, disabled, onClick, children }) {
  return (
    <button type="button" class="aw-link" aria-label={says} {...{ disabled, onClick }}>
      {children}
    </button>
  );
}

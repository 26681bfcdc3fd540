import { batch, computed, signal } from "@preact/signals";
import { bytes_of, decode } from "../messages.js";
import { context_in_key } from "../place.js";

/**
 * The live source: asks the kernel for pictures and keeps those it got.
 *
 * Views read it (`find`, `trouble`, `model` ... are reactive) and say what they show; they never
 * learn how a picture came. Every list of wants is whole, so sending one again is harmless.
 */

/** @typedef {import("../messages.js").Want} Want */
/** @typedef {import("../messages.js").Picture} Picture */
/** @typedef {import("../messages.js").ModelPicture} ModelPicture */
/** @typedef {import("../messages.js").Trouble} Trouble */
/** @typedef {import("../messages.js").Progress} Progress */

/**
 * A picture with the model facts of its own pass and reading: while a new pass comes in piece by
 * piece, the old picture is still drawn, under the old tokens.
 *
 * @typedef {{picture: Picture, model: ModelPicture | null, bytes: number}} Entry
 */

/** @typedef {ReturnType<typeof make_live_source>} Source */

const CACHE_BYTES = 64 * 1024 * 1024;

const MS_BETWEEN_LISTS = 50;
const MS_UNTIL_SLOW = 300;
const MS_UNTIL_SILENT = 1500;
const MS_UNTIL_ASKED_AGAIN = 4000;
const MS_LONGEST_PATIENCE = 64_000;

/**
 * @param {import("../state.js").Model} host
 * @param {number} [limit]  Bytes of pictures to keep beside those on screen.
 */
export function make_live_source(host, limit = CACHE_BYTES) {
  /** @type {Map<string, Entry>} Oldest first. */
  const entries = new Map();
  /** @type {Map<string, Trouble>} */
  const troubles = new Map();
  /** @type {Map<string, Want[]>} */
  const lists = new Map();
  /** Views whose list waits to be sent. @type {Set<string>} */
  const unsent = new Set();

  // One counter for all of the above: pictures come a few times a second, not more.
  const changes = signal(0);
  const model = signal(/** @type {ModelPicture | null} */ (null));
  const whole_trouble = signal(/** @type {Trouble | null} */ (null));
  const progress = signal(/** @type {Progress | null} */ (null));
  const running = signal(false);
  const writing = signal(/** @type {import("../messages.js").Writing | null} */ (null));
  /** How long an answer has been due. */
  const lateness = signal(/** @type {"none" | "slow" | "silent"} */ ("none"));

  let bytes = 0;
  let ask_again = true;
  let last_list = Number.NEGATIVE_INFINITY;
  let patience = MS_UNTIL_ASKED_AGAIN;
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  const timers = new Map();

  /** @param {string} name @param {number} ms @param {() => void} then */
  function set_timer(name, ms, then) {
    if (timers.has(name)) return;
    timers.set(
      name,
      setTimeout(() => {
        timers.delete(name);
        then();
      }, ms),
    );
  }

  /** @param {string} name */
  function stop_timer(name) {
    clearTimeout(timers.get(name));
    timers.delete(name);
  }

  // -- to the kernel ------------------------------------------------------------------------------

  /**
   * @param {import("../messages.js").WantsMessage | import("../messages.js").RunMessage |
   *   import("../messages.js").GenerateMessage | import("../messages.js").StopMessage} message
   */
  function send(message) {
    try {
      host.send(message);
    } catch {
      // The kernel is gone: what is in the cache stays usable, and lateness tells the reader.
    }
  }

  function send_lists() {
    const wait = last_list + MS_BETWEEN_LISTS - Date.now();
    if (wait > 0) {
      set_timer("lists", wait, send_lists);
      return;
    }
    last_list = Date.now();
    const views = [...unsent];
    const again = ask_again;
    unsent.clear();
    ask_again = false;
    for (const view of views) {
      const wants = lists.get(view) ?? [];
      send({ type: "wants", view, wants, ...(again && { again: true }) });
    }
  }

  function send_everything_again() {
    ask_again = true;
    for (const view of lists.keys()) unsent.add(view);
    send_lists();
  }

  // -- what is due --------------------------------------------------------------------------------

  /** Keys on any screen. */
  function shown_keys() {
    const keys = new Set();
    for (const wants of lists.values()) {
      for (const want of wants) if (!want.prefetch) keys.add(want.key);
    }
    return keys;
  }

  /** @param {string} key */
  function is_answered(key) {
    if (whole_trouble.peek() || troubles.has(key)) return true;
    const newest = model.peek();
    const entry = entries.get(key);
    return entry !== undefined && newest !== null && entry.picture.pass >= newest.pass;
  }

  function note_lateness() {
    const due = running.peek() || [...shown_keys()].some((key) => !is_answered(key));
    if (!due) {
      for (const name of ["slow", "silent", "again"]) stop_timer(name);
      patience = MS_UNTIL_ASKED_AGAIN;
      progress.value = null;
      lateness.value = "none";
      return;
    }
    if (lateness.peek() === "none") {
      set_timer("slow", MS_UNTIL_SLOW, () => {
        lateness.value = "slow";
      });
    }
    set_timer("silent", MS_UNTIL_SILENT, () => {
      lateness.value = "silent";
    });
    // A lost message or a new connection needs no case of its own: the lists are sent again.
    set_timer("again", patience, () => {
      patience = Math.min(2 * patience, MS_LONGEST_PATIENCE);
      send_everything_again();
      note_lateness();
    });
  }

  /** The kernel has spoken: it is slow, not silent. */
  function note_sign_of_life() {
    stop_timer("silent");
    if (lateness.peek() === "silent") lateness.value = "slow";
  }

  // -- from the kernel ----------------------------------------------------------------------------

  /** @param {string} key */
  function forget(key) {
    bytes -= entries.get(key)?.bytes ?? 0;
    entries.delete(key);
  }

  /** @param {ModelPicture} picture */
  function take_model(picture) {
    const newest = model.peek();
    if (newest === null || picture.pass > newest.pass) {
      whole_trouble.value = null;
      running.value = false;
      // What is wanted depends on the model: the next list need not wait.
      last_list = Number.NEGATIVE_INFINITY;
      const shown = shown_keys();
      for (const key of [...entries.keys()]) if (!shown.has(key)) forget(key);
    }
    model.value = picture;
    const context = context_in_key(picture.key);
    for (const [key, entry] of entries) {
      if (entry.picture.pass === picture.pass && context_in_key(key) === context) {
        entry.model = picture;
      }
    }
  }

  /** The model facts that a picture belongs to. @param {Picture} picture */
  function model_for(picture) {
    if (picture.kind === "model") return picture;
    const found = entries.get(`model|${context_in_key(picture.key)}`)?.picture;
    return found?.kind === "model" && found.pass === picture.pass ? found : null;
  }

  /** @param {Picture} picture */
  function take_picture(picture) {
    const newest = model.peek();
    if (newest !== null && picture.pass < newest.pass) return;
    if (picture.kind === "model") take_model(picture);
    forget(picture.key);
    const size = bytes_of(picture);
    entries.set(picture.key, { picture, model: model_for(picture), bytes: size });
    bytes += size;
    troubles.delete(picture.key);
    drop_oldest();
  }

  function drop_oldest() {
    if (bytes <= limit) return;
    const shown = shown_keys();
    for (const key of [...entries.keys()]) {
      if (bytes <= limit) return;
      if (!shown.has(key)) forget(key);
    }
  }

  /** @param {any} content @param {readonly import("../messages.js").Buffer[] | null} [buffers] */
  function hear(content, buffers) {
    batch(() => {
      note_sign_of_life();
      if (content.type === "picture") {
        try {
          take_picture(decode(content, buffers ?? []));
        } catch (error) {
          const detail = `${error instanceof Error ? error.message : error} Run the cell again.`;
          const title = "A picture came damaged.";
          troubles.set(content.key, { type: "trouble", key: content.key, title, detail });
        }
      } else if (content.type === "trouble") {
        if (content.key === null) {
          whole_trouble.value = content;
          running.value = false;
          writing.value = null;
        } else {
          troubles.set(content.key, content);
        }
      } else if (content.type === "writing") {
        writing.value = content.over ? null : content;
        if (!content.over) whole_trouble.value = null;
      } else if (content.type === "progress") {
        progress.value = content;
      }
      changes.value += 1;
      note_lateness();
    });
  }

  host.on("msg:custom", hear);
  // ipywidgets says so when a kernel is connected anew; other hosts never do.
  host.on("comm_live_update", send_everything_again);

  return {
    /** Facts about the newest pass; null before the first. */
    model: computed(() => model.value),
    progress: computed(() => progress.value),
    lateness: computed(() => lateness.value),
    running: computed(() => running.value),
    /** How far the model has come that writes; null while none does. */
    writing: computed(() => writing.value),

    /**
     * The picture of a key, of this pass or (until the new one comes) of an older one.
     *
     * @param {string} key
     * @returns {Entry | null}
     */
    find(key) {
      changes.value;
      return entries.get(key) ?? null;
    },

    /**
     * What went wrong with one picture, or (key null) with everything.
     *
     * @param {string | null} key
     * @returns {Trouble | null}
     */
    trouble(key) {
      changes.value;
      return key === null ? whole_trouble.value : (troubles.get(key) ?? null);
    },

    /**
     * All that a view shows, most important first.
     *
     * @param {string} view
     * @param {Want[]} wants
     */
    show(view, wants) {
      lists.set(view, wants);
      const newest = model.peek();
      const shown = shown_keys();
      for (const [key, entry] of [...entries]) {
        if (shown.has(key)) {
          // To the young end.
          entries.delete(key);
          entries.set(key, entry);
        } else if (newest && entry.picture.pass < newest.pass) forget(key);
      }
      for (const key of [...troubles.keys()]) if (!shown.has(key)) troubles.delete(key);
      unsent.add(view);
      send_lists();
      note_lateness();
    },

    /**
     * A view has closed: it wants nothing any more.
     *
     * @param {string} view
     */
    close(view) {
      lists.delete(view);
      unsent.delete(view);
      send({ type: "wants", view, wants: [] });
      note_lateness();
    },

    /** @param {string} text */
    run(text) {
      running.value = true;
      send({ type: "run", text });
      note_lateness();
    },

    /** Let the model write. @param {Omit<import("../messages.js").GenerateMessage, "type">} how */
    generate(how) {
      writing.value = { type: "writing", done: 0, of: how.most, over: false };
      send({ type: "generate", ...how });
    },

    stop_writing() {
      send({ type: "stop" });
    },

    stop() {
      host.off("msg:custom", hear);
      host.off("comm_live_update", send_everything_again);
      for (const name of [...timers.keys()]) stop_timer(name);
    },
  };
}

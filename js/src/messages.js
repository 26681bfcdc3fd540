/**
 * The messages between page and kernel; attnwidget/messages.py is the twin.
 * Both are tested against the recorded messages in tests/fixtures/messages.
 */

/**
 * How tokens are read. Items are what is then on screen: tokens, or words, less the hidden ones.
 *
 * @typedef {object} Reading
 * @property {boolean} words  Pieces of a word are one item.
 * @property {string[]} hide  In order: "first", "padding", "special".
 * @property {boolean} renormalise  What is left of a row is scaled to sum 1.
 * @property {[number, number] | null} pair  Only queries of the one sentence, keys of the other.
 * @property {Weigh} [weigh]  What is read of heads, where it is not the pattern.
 * @property {Target | null} [target]  The logit that a gradient is of: position and id, or what is
 *   left open; null for the model's first guess.
 *
 * @typedef {"pattern" | "values" | "output" | "gradient" | "rollout"} Weigh
 * @typedef {[number | null, number | null]} Target
 */

/** A head by its layer and number. @typedef {[number, number]} LayerHead */

/** Which way links are followed: from a query to its keys, or from a key to those who look at it.
 * @typedef {"from" | "to"} Direction */

/**
 * What one view shows, told to the kernel as one whole list. `rows`, `cols` and `at` count items,
 * but for predictions, whose `at` counts tokens. Several heads stand for their mean.
 *
 * @typedef {{stack: string, batch: number, reading: Reading}} InContext
 * @typedef {InContext & {heads: LayerHead[]}} OfHeads
 * @typedef {{key: string, kind: "model", prefetch?: boolean} & InContext} ModelWant
 * @typedef {{key: string, kind: "check", stack: string, layer: number, prefetch?: boolean}} CheckWant
 * @typedef {{key: string, kind: "overview", size: number, prefetch?: boolean} & InContext} OverviewWant
 * @typedef {{key: string, kind: "tile", rows: [number, number] | null, cols: [number, number] | null,
 *   size: [number, number], prefetch?: boolean} & OfHeads} TileWant
 * @typedef {{key: string, kind: "row", direction: Direction, at: number, prefetch?: boolean} & OfHeads} RowWant
 * @typedef {{key: string, kind: "lines", direction: Direction, count: number, prefetch?: boolean} & OfHeads} LinesWant
 * @typedef {{key: string, kind: "predictions", stack: string, batch: number, at: [number, number], count: number,
 *   prefetch?: boolean}} PredictionsWant
 * @typedef {ModelWant | CheckWant | OverviewWant | TileWant | RowWant | LinesWant | PredictionsWant |
 *   import("./views/messages.js").ViewWant} Want
 */

/**
 * Page → kernel. `again` asks for pictures the kernel believes it has sent already.
 *
 * @typedef {{type: "wants", view: string, wants: Want[], again?: true}} WantsMessage
 * @typedef {{type: "run", text: string}} RunMessage
 * @typedef {{type: "generate", most: number, temperature: number | null, seed: number | null}} GenerateMessage
 * @typedef {{type: "stop"}} StopMessage
 */

/**
 * @typedef {{layer: number, heads: number, kv_heads: number, module: string, source: string,
 *   dtype: string}} LayerFacts
 * @typedef {{name: string, kind: "self" | "cross", causal: boolean, query_len: number,
 *   key_len: number, batch_size: number, layers: LayerFacts[]}} StackFacts
 * @typedef {object} Side  The items of one side, each list as long as there are items.
 * @property {string[]} texts
 * @property {string[]} gaps  What stands before each: a space, nothing, a line break.
 * @property {[number, number][]} spans  Tokens of each, half-open.
 * @property {string[]} kinds  "special", "padding" or "".
 * @property {number[] | null} segments  Sentence of a pair.
 * @property {([number, number] | null)[] | null} patches  Row and column in an image, from 0.
 * @typedef {{stack: string, batch: number, reading: Reading, queries: Side, keys: Side | null,
 *   pairs: boolean, notes: string[], target?: TargetFacts | null}} TokenFacts  `keys`: null where they are the queries.
 * @typedef {{position: number | null, id: number, text: string, at: string, is_guess: boolean,
 *   what: "next" | "masked" | "token classes" | "classes"}} TargetFacts  A logit and what to call it.
 * @typedef {{shown: number, newest: number, kept: number[], paused: boolean}} PassFacts
 * @typedef {{dtype: string, shape: number[], name: string}} ArrayFacts
 * @typedef {{type: "picture", key: string, pass: number, coarse: boolean}} PictureBase
 */

/**
 * Kernel → page, after `decode`: arrays stand beside the facts under their names. `pass` grows with
 * every change of what is shown, so that the newest wins.
 *
 * @typedef {PictureBase & {kind: "model", name: string, text: string | null, has_tokenizer: boolean,
 *   live: boolean, step: number, passes: PassFacts, stacks: StackFacts[], offers: string[],
 *   tokens: TokenFacts}} ModelPicture
 * @typedef {PictureBase & {kind: "check", status: string, note: string,
 *   check: number | null}} CheckPicture
 * @typedef {PictureBase & {kind: "overview", layers: number[], sampled: boolean, cells: Uint8Array,
 *   max: Float32Array, min?: Float32Array, signed?: true, shape: number[]}} OverviewPicture  shape of cells: [L, H, n, m]
 * @typedef {PictureBase & {kind: "tile", rows: [number, number], cols: [number, number],
 *   block: [number, number], max: number, min?: number, signed?: true,
 *   encoding: "linear" | "sqrt" | "signed sqrt", query_len: number,
 *   key_len: number, cells: Float32Array | Uint8Array, flags: Uint8Array, row_sums: Float32Array,
 *   col_sums: Float32Array, shape: number[]}} TilePicture  shape of cells: [h, w]
 * @typedef {PictureBase & {kind: "row", direction: Direction, at: number, sum: number,
 *   signed?: true, weights: Float32Array, flags: Uint8Array, shape: number[]}} RowPicture  shape of weights: [n]
 * @typedef {PictureBase & {kind: "lines", direction: Direction, of: number, count: number,
 *   signed?: true, tokens: Int32Array, weights: Float32Array, sums: Float32Array,
 *   shape: number[]}} LinesPicture  shape of tokens and weights: [L, N], largest first, -1 where none
 * @typedef {{text: string, share: number, id?: number}} Candidate  `id`: in the vocabulary, or of the class.
 * @typedef {PictureBase & {kind: "predictions", what: "next" | "masked" | "token classes" | "classes",
 *   at: [number, number], of: number, candidates: Candidate[][], note: string}} PredictionsPicture  one list for each token of `at`
 * @typedef {ModelPicture | CheckPicture | OverviewPicture | TilePicture | RowPicture | LinesPicture |
 *   PredictionsPicture | import("./views/messages.js").ViewPicture} Picture
 * @typedef {{type: "trouble", key: string | null, title: string, detail: string}} Trouble
 * @typedef {{type: "progress", what: string, done: number, of: number}} Progress
 * @typedef {{type: "writing", done: number, of: number, over: boolean}} Writing
 */

/** What a cell or a weight is, beside its number. */
export const VISIBLE = 0;
export const MASKED = 1;
export const NOT_A_NUMBER = 2;

/** @typedef {ArrayBuffer | ArrayBufferView} Buffer */

/**
 * Array of `dtype` over the bytes of any kind of buffer a host may hand over.
 *
 * A view is a window: it may start anywhere in its ArrayBuffer, also where a float may not.
 * Then, and only then, the bytes are copied.
 *
 * @param {Buffer} buffer
 * @param {string} dtype
 * @returns {Float32Array | Int32Array | Uint8Array}
 */
export function as_array(buffer, dtype) {
  const [whole, offset, length] = ArrayBuffer.isView(buffer)
    ? [buffer.buffer, buffer.byteOffset, buffer.byteLength]
    : [buffer, 0, buffer.byteLength];
  if (dtype === "uint8") return new Uint8Array(whole, offset, length);
  if (dtype !== "float32" && dtype !== "int32") {
    throw new Error(`An array of type ${dtype} came; float32, int32 or uint8 do.`);
  }
  if (length % 4 !== 0) {
    throw new Error(`${length} bytes came for ${dtype} numbers of 4 bytes each.`);
  }
  // An aligned window is used as it is; any other is copied.
  const [from, start] =
    offset % 4 === 0 ? [whole, offset] : [whole.slice(offset, offset + length), 0];
  return dtype === "float32"
    ? new Float32Array(from, start, length / 4)
    : new Int32Array(from, start, length / 4);
}

/**
 * A picture message and its buffers as one object, with every length checked.
 *
 * @param {any} content
 * @param {readonly Buffer[]} buffers
 * @returns {Picture}
 */
export function decode(content, buffers) {
  const { arrays, ...picture } = content;
  if (arrays.length !== buffers.length) {
    throw new Error(`${arrays.length} arrays were announced, ${buffers.length} came.`);
  }
  for (const [i, { name, dtype, shape }] of /** @type {ArrayFacts[]} */ (arrays).entries()) {
    const array = as_array(buffers[i], dtype);
    const count = shape.reduce((product, n) => product * n, 1);
    if (array.length !== count) {
      throw new Error(`${name} of shape ${shape.join(" × ")} came with ${array.length} numbers.`);
    }
    picture[name] = array;
    // The first array of each kind is its main one: its shape is the picture's.
    picture.shape ??= shape;
  }
  return picture;
}

/**
 * Memory a picture holds, in bytes.
 *
 * @param {Picture} picture
 */
export function bytes_of(picture) {
  let bytes = 200;
  for (const value of Object.values(picture)) {
    if (ArrayBuffer.isView(value)) bytes += value.byteLength;
  }
  return bytes;
}

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
 * @typedef {{key: string, kind: "steps", heads: LayerHead[], query: number, keys: [number, number] | null,
 *   prefetch?: boolean} & InContext} StepsWant  `query` and `keys` count tokens.
 * @typedef {{key: string, kind: "positions", prefetch?: boolean} & InContext} PositionsWant
 * @typedef {{key: string, kind: "without", at: number, what: "head" | "positions" | "order",
 *   prefetch?: boolean} & OfHeads} WithoutWant  `at` counts tokens.
 * @typedef {{key: string, kind: "scaling" | "order", prefetch?: boolean} & OfHeads} OfOneHead
 * @typedef {{key: string, kind: "shapes", layer: number, prefetch?: boolean} & InContext} ShapesWant
 * @typedef {{key: string, kind: "block", prefetch?: boolean} & InContext} BlockWant
 * @typedef {{key: string, kind: "script", prefetch?: boolean}} ScriptWant
 * @typedef {ScriptWant | BlockWant | PositionsWant | WithoutWant | ShapesWant | OfOneHead | ModelWant | CheckWant | OverviewWant | TileWant | RowWant | LinesWant | PredictionsWant |
 *   StepsWant} Want
 */

/**
 * Page → kernel. `again` asks for pictures the kernel believes it has sent already.
 *
 * @typedef {{type: "wants", view: string, wants: Want[], again?: true}} WantsMessage
 * @typedef {{type: "run", text: string}} RunMessage
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
 * @typedef {{stack: string, batch: number, reading: Reading, queries: Side, keys: Side | null,
 *   pairs: boolean, notes: string[]}} TokenFacts  `keys`: null where they are the queries.
 * @typedef {{shown: number, newest: number, kept: number[], paused: boolean}} PassFacts
 * @typedef {{dtype: string, shape: number[], name: string}} ArrayFacts
 * @typedef {{type: "picture", key: string, pass: number, coarse: boolean}} PictureBase
 */

/**
 * Kernel → page, after `decode`: arrays stand beside the facts under their names. `pass` grows with
 * every change of what is shown, so that the newest wins.
 *
 * @typedef {PictureBase & {kind: "model", name: string, text: string | null, has_tokenizer: boolean,
 *   live: boolean, step: number, passes: PassFacts, stacks: StackFacts[],
 *   tokens: TokenFacts}} ModelPicture
 * @typedef {PictureBase & {kind: "check", status: string, note: string,
 *   check: number | null}} CheckPicture
 * @typedef {PictureBase & {kind: "overview", layers: number[], sampled: boolean, cells: Uint8Array,
 *   max: Float32Array, shape: number[]}} OverviewPicture  shape of cells: [L, H, n, m]
 * @typedef {PictureBase & {kind: "tile", rows: [number, number], cols: [number, number],
 *   block: [number, number], max: number, encoding: "linear" | "sqrt", query_len: number,
 *   key_len: number, cells: Float32Array | Uint8Array, flags: Uint8Array, row_sums: Float32Array,
 *   col_sums: Float32Array, shape: number[]}} TilePicture  shape of cells: [h, w]
 * @typedef {PictureBase & {kind: "row", direction: Direction, at: number, sum: number,
 *   weights: Float32Array, flags: Uint8Array, shape: number[]}} RowPicture  shape of weights: [n]
 * @typedef {PictureBase & {kind: "lines", direction: Direction, of: number, count: number,
 *   tokens: Int32Array, weights: Float32Array, sums: Float32Array,
 *   shape: number[]}} LinesPicture  shape of tokens and weights: [L, N], largest first, -1 where none
 * @typedef {{text: string, share: number}} Candidate
 * @typedef {PictureBase & {kind: "predictions", what: "next" | "masked" | "token classes" | "classes",
 *   at: [number, number], of: number, candidates: Candidate[][], note: string}} PredictionsPicture  one list for each token of `at`
 * @typedef {{name: string, path: string, size: number, bias: boolean, remark: string}} ProjectionFacts
 * @typedef {PictureBase & {kind: "steps", stack: string, layer: number, head: number, query: number,
 *   batch: number, module: string, attention: string, dtype: string, heads: number, kv_heads: number,
 *   kv_head: number, query_len: number, key_len: number, d: number | null, dv: number | null,
 *   window: [number, number], row: [number, number], has_products: boolean, why_no_products: string,
 *   why_no_scores: string, scale: number | null, softcap: number | null,
 *   added_is: ("mask" | "position" | "bias" | "other")[], max: number | null, sum: number | null,
 *   sink: number | null, sink_is_known: boolean, weights_sum: number, heaviest: number,
 *   sees_nothing: boolean, dropout: string, after_softmax: string, error: number | null,
 *   why_no_output: string, projection: ProjectionFacts | null, why_no_projection: string,
 *   heads_out_are_own: boolean, weights: Float32Array, masked: Uint8Array, q?: Float32Array,
 *   k?: Float32Array, v?: Float32Array, dot?: Float32Array, scaled?: Float32Array,
 *   capped?: Float32Array, added?: Float32Array, scores?: Float32Array, softmax?: Float32Array,
 *   output?: Float32Array, own_output?: Float32Array, heads_out?: Float32Array,
 *   projected?: Float32Array, part?: Float32Array,
 *   shape: number[]}} StepsPicture  arrays as in attnwidget/pictures/steps.py
 * @typedef {{mean: number, variance: number}} Spread
 * @typedef {{entropy: number, largest: number}} Sharpness
 * @typedef {{queries: [number, number], pairs: number, products: Spread, scaled: Spread,
 *   q_squared: number | null, k_squared: number | null, differs: number, is_whole_score: boolean,
 *   rows: {count: number, own: Sharpness, unscaled: Sharpness, root_d: Sharpness}}} ScalingMeasured
 * @typedef {PictureBase & {kind: "scaling", stack: string, layer: number, head: number,
 *   d: number | null, scale: number | null, measured: ScalingMeasured | null, why_not: string,
 *   scores?: Float32Array}} ScalingPicture
 * @typedef {PictureBase & {kind: "order", stack: string, layer: number, head: number,
 *   tokens: [number, number], counts: [number, number], among_themselves: boolean, causal: boolean,
 *   masked: boolean, adds_more: boolean, scale: number | null, why_not: string, q?: Float32Array,
 *   k?: Float32Array, v?: Float32Array}} OrderPicture
 * @typedef {{name: string, path: string, shape: number[], bias: boolean, parameters: number}} LayerFound
 * @typedef {PictureBase & {kind: "shapes", stack: string, layer: number, module: string,
 *   module_class: string, attention: string, causal: boolean, batch: number, windows: number,
 *   heads: number, kv_heads: number, query_len: number, key_len: number, d: number | null,
 *   dv: number | null, width: number | null, key_width: number | null, out_width: number | null,
 *   layers: Record<string, LayerFound>, why_no_inputs: string, why_no_output: string,
 *   why_no_products: string, layers_alike: number}} ShapesPicture
 * @typedef {PictureBase & {kind: "positions", stack: string, tokens: number,
 *   found: "learned" | "sine and cosine" | "rotary" | "relative bias" | "ALiBi" | "none", said: string,
 *   path: string, parts: string[], positions: number | null, width: number | null,
 *   grid: [number, number, number] | null, encoding?: Float32Array, columns?: Int32Array,
 *   angles?: Float32Array, distances?: Int32Array, similarity?: Float32Array,
 *   shape: number[]}} PositionsPicture  arrays as in attnwidget/pictures/positions.py
 * @typedef {{text: string, before: number, after: number}} MovedCandidate
 * @typedef {PictureBase & {kind: "without", stack: string, batch: number, layer: number, head: number,
 *   heads: number, change: "head" | "positions" | "order", what: PredictionsPicture["what"], at: number,
 *   of: number, candidates: MovedCandidate[], most: number, parts: string[], said: string,
 *   remark: string, order: number[], seed: number | null, kl: Float32Array,
 *   kl_of_heads?: Float32Array, shape: number[]}} WithoutPicture  divergences in nats, -1 where unknown
 * @typedef {{path: string, class_name: string}} BlockPart
 * @typedef {BlockPart & {out: number}} BlockNorm  `out` and the like count rows of the picture.
 * @typedef {{role: "attention" | "cross-attention" | "feed-forward" | "convolution" | "sub-layer",
 *   parts: BlockPart[], caller: string | null, more: number, width: number,
 *   norm_before: BlockNorm | null, norm_after: BlockNorm | null, factor: number | [number, number],
 *   added: number, cosine: number}} BlockBranch
 * @typedef {{stream: number, stream_factor: number, branches: BlockBranch[], total: number,
 *   norm: BlockNorm | null}} BlockSum
 * @typedef {{layer: number, module: string, heads: number, head_size: number | null, first: number,
 *   path: string, class_name: string, kind: "pre-norm" | "post-norm" | "output-norm" | "sandwich" |
 *   "parallel" | "no norm" | "mixed" | "unknown", size: number, why: string, before: number | null,
 *   first_norm: BlockNorm | null, sums: BlockSum[], after: number | null,
 *   error: number | null}} BlockFacts  See attnwidget/pictures/block.py.
 * @typedef {PictureBase & {kind: "block", stack: string, tokens: number, layers: BlockFacts[],
 *   notes: string[], rows: Float32Array, shape: number[]}} BlockPicture  shape of rows: [R, T]
 * @typedef {PictureBase & {kind: "script", packed: Uint8Array, shape: number[]}} ScriptPicture
 * @typedef {ScriptPicture | BlockPicture | PositionsPicture | WithoutPicture | ShapesPicture | OrderPicture | ScalingPicture | ModelPicture | CheckPicture | OverviewPicture | TilePicture | RowPicture | LinesPicture |
 *   PredictionsPicture | StepsPicture} Picture
 * @typedef {{type: "trouble", key: string | null, title: string, detail: string}} Trouble
 * @typedef {{type: "progress", what: string, done: number, of: number}} Progress
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

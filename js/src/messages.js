/**
 * The messages between page and kernel; attnwidget/messages.py is the twin.
 * Both are tested against the recorded messages in tests/fixtures/messages.
 */

/**
 * What one view shows, told to the kernel as one whole list.
 *
 * @typedef {{key: string, kind: "model", prefetch?: boolean}} ModelWant
 * @typedef {{key: string, kind: "check", stack: string, layer: number, prefetch?: boolean}} CheckWant
 * @typedef {{key: string, kind: "overview", stack: string, batch: number, size: number, prefetch?: boolean}} OverviewWant
 * @typedef {{key: string, kind: "tile", stack: string, layer: number, head: number, batch: number,
 *   rows: [number, number] | null, cols: [number, number] | null, size: [number, number],
 *   prefetch?: boolean}} TileWant
 * @typedef {{key: string, kind: "row", stack: string, layer: number, head: number, batch: number,
 *   query: number, prefetch?: boolean}} RowWant
 * @typedef {ModelWant | CheckWant | OverviewWant | TileWant | RowWant} Want
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
 *   key_len: number, batch_size: number, query_tokens: number, key_tokens: number,
 *   layers: LayerFacts[]}} StackFacts
 * @typedef {{dtype: string, shape: number[], name: string}} ArrayFacts
 * @typedef {{type: "picture", key: string, pass: number, coarse: boolean}} PictureBase
 */

/**
 * Kernel → page, after `decode`: arrays stand beside the facts under their names.
 *
 * @typedef {PictureBase & {kind: "model", name: string, text: string | null, has_tokenizer: boolean,
 *   live: boolean, step: number, stacks: StackFacts[], tokens: string[][][]}} ModelPicture
 * @typedef {PictureBase & {kind: "check", status: string, note: string,
 *   check: number | null}} CheckPicture
 * @typedef {PictureBase & {kind: "overview", layers: number[], sampled: boolean, cells: Uint8Array,
 *   max: Float32Array, shape: number[]}} OverviewPicture  shape of cells: [L, H, n, m]
 * @typedef {PictureBase & {kind: "tile", rows: [number, number], cols: [number, number],
 *   block: [number, number], max: number, encoding: "linear" | "sqrt", query_len: number,
 *   key_len: number, cells: Float32Array | Uint8Array, flags: Uint8Array, row_sums: Float32Array,
 *   col_sums: Float32Array, shape: number[]}} TilePicture  shape of cells: [h, w]
 * @typedef {PictureBase & {kind: "row", query: number, sum: number, weights: Float32Array,
 *   flags: Uint8Array, shape: number[]}} RowPicture  shape of weights: [Tk]
 * @typedef {ModelPicture | CheckPicture | OverviewPicture | TilePicture | RowPicture} Picture
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
 * @returns {Float32Array | Uint8Array}
 */
export function as_array(buffer, dtype) {
  const [whole, offset, length] = ArrayBuffer.isView(buffer)
    ? [buffer.buffer, buffer.byteOffset, buffer.byteLength]
    : [buffer, 0, buffer.byteLength];
  if (dtype === "uint8") return new Uint8Array(whole, offset, length);
  if (dtype !== "float32") throw new Error(`An array of type ${dtype} came; float32 or uint8 do.`);
  if (length % 4 !== 0)
    throw new Error(`${length} bytes came for float32 numbers of 4 bytes each.`);
  if (offset % 4 === 0) return new Float32Array(whole, offset, length / 4);
  return new Float32Array(whole.slice(offset, offset + length));
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

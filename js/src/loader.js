/**
 * What a host is given: the widget's script, packed (see ../build.mjs), and how to unpack it. Every
 * browser that can run the script can unpack it, and a host that has imported this text from memory
 * can import another.
 */

const packed = "PACKED";

async function unpack() {
  const bytes = Uint8Array.from(atob(packed), (letter) => letter.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const script = new Blob([await new Response(plain).text()], { type: "text/javascript" });
  const url = URL.createObjectURL(script);
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Each call serves one widget; the module is unpacked once. */
const unpacked = unpack();

export default async function make_widget() {
  return (await unpacked).default();
}

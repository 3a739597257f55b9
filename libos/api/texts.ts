// Lists of texts as the kernel takes and gives them: UTF-8, a zero byte behind each.

/** The texts as bytes; null when one has a zero in it. */
export function joinTexts(texts: string[]): ArrayBuffer | null {
  let length: i32 = 0;
  for (let i = 0; i < texts.length; i++) {
    if (texts[i].includes("\0")) return null;
    length += String.UTF8.byteLength(texts[i], true);
  }
  const bytes = new ArrayBuffer(length);
  let at = changetype<usize>(bytes);
  for (let i = 0; i < texts.length; i++) {
    const text = texts[i];
    at += String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, at, true);
  }
  return bytes;
}

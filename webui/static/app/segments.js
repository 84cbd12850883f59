// How many SMS a text is, as callcenter/texts/segments.py counts: 3GPP TS 23.038, parts of a longer text carry a header.

const BASIC = new Set("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà");
const EXTENDED = new Set("\f^{}\\[~]|€");

/** Return {alphabet, count, left}: the SMS a text is, and the room in the last one. */
export function segments(text) {
  const characters = [...text];
  if (characters.every((each) => BASIC.has(each) || EXTENDED.has(each))) return { alphabet: "gsm7", ...cut(characters.map((each) => (EXTENDED.has(each) ? 2 : 1)), 160, 153) };
  return { alphabet: "ucs2", ...cut(characters.map((each) => each.length), 70, 67) };
}

function cut(widths, whole, part) {
  const total = widths.reduce((sum, width) => sum + width, 0);
  if (total <= whole) return { count: 1, left: whole - total };
  let [count, left] = [1, part];
  for (const width of widths) {
    if (width > left) [count, left] = [count + 1, part];
    left -= width;
  }
  return { count, left };
}

/** Specific Character Set (PS3.3 §C.12.1.1.2) in the names of the Encoding Standard. */
const ENCODINGS = {
  "": "windows-1252",
  "ISO_IR 6": "windows-1252",
  "ISO_IR 100": "windows-1252",
  "ISO_IR 101": "iso-8859-2",
  "ISO_IR 109": "iso-8859-3",
  "ISO_IR 110": "iso-8859-4",
  "ISO_IR 144": "iso-8859-5",
  "ISO_IR 127": "iso-8859-6",
  "ISO_IR 126": "iso-8859-7",
  "ISO_IR 138": "iso-8859-8",
  "ISO_IR 148": "windows-1254",
  "ISO_IR 203": "iso-8859-15",
  "ISO_IR 13": "shift_jis",
  "ISO_IR 166": "windows-874",
  "ISO_IR 192": "utf-8",
  "ISO 2022 IR 13": "shift_jis",
  "ISO 2022 IR 87": "iso-2022-jp",
  "ISO 2022 IR 159": "iso-2022-jp",
  "ISO 2022 IR 149": "euc-kr",
  "ISO 2022 IR 58": "gbk",
  GB18030: "gb18030",
  GBK: "gbk",
};

/** @param {string} charset the value of (0008,0005), all of it */
export function decoderOf(charset) {
  const terms = charset.split("\\").map((term) => term.trim());
  const term = (terms.length > 1 ? terms.find((each, at) => at && each) : terms[0]) ?? "";
  const single = term.replace(/^ISO 2022 IR (6|1\d\d|203)$/, "ISO_IR $1");
  return new TextDecoder(ENCODINGS[term] ?? ENCODINGS[single] ?? "windows-1252");
}

/** What people read: without padding, control and format characters, and the escapes of ISO 2022. */
export function clean(text) {
  return toWellFormed(text)
    .replace(/\x1b[$(-/][@-Z(-/]*[@-~]?/g, "")
    .replace(/[\p{Cc}\p{Cf}]/gu, "")
    .trim();
}

/** A name of lone surrogates cannot be sent as UTF-8; they become U+FFFD. */
export function toWellFormed(text) {
  return text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
}

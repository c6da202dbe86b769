// The sample rate that a compressed file names in its header, so that the browser decodes it at
// that rate: left alone it brings all sound to the rate of the machine's loudspeakers.

const HEADER_BYTES = 65536; // of an Ogg file, which may begin with other streams
const MPEG_RATES = [[11025, 12000, 8000], null, [22050, 24000, 16000], [44100, 48000, 32000]];
const ADTS_RATES = [
  96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350,
];

// Elements of Matroska and WebM, by their ids.
const SEGMENT = 0x18538067, TRACKS = 0x1654AE6B, TRACK = 0xAE, CODEC = 0x86, AUDIO = 0xE1;
const RATE = 0xB5, OUTPUT_RATE = 0x78B5; // the latter of HE-AAC, whose other half is made up

// In Hz, of Uint8Array of the whole file; null where it is not found.
function headerRate(bytes) {
  const start = afterId3(bytes);
  if (hasText(bytes, start, "fLaC")) return flacRate(bytes, start + 8);
  if (hasText(bytes, start, "OggS")) return oggRate(bytes.subarray(start, start + HEADER_BYTES));
  if (hasText(bytes, 4, "ftyp")) return mp4Rate(bytes);
  if (hasText(bytes, 0, "\x1A\x45\xDF\xA3")) return matroskaRate(bytes);
  return mpegRate(bytes, start);
}

function hasText(bytes, at, text) {
  return at >= 0 && [...text].every((letter, i) => bytes[at + i] === letter.charCodeAt(0));
}

function findText(bytes, text) {
  return bytes.findIndex((_, at) => hasText(bytes, at, text));
}

function afterId3(bytes) {
  if (!hasText(bytes, 0, "ID3")) return 0;
  const size = [6, 7, 8, 9].reduce((sum, i) => sum * 128 + (bytes[i] & 127), 0);
  return 10 + size + (bytes[5] & 16 ? 10 : 0);
}

// `at` is the beginning of STREAMINFO.
function flacRate(bytes, at) {
  return bytes[at + 10] << 12 | bytes[at + 11] << 4 | bytes[at + 12] >> 4 || null;
}

function oggRate(bytes) {
  if (findText(bytes, "OpusHead") >= 0) return 48000; // always, whatever was encoded
  const vorbis = findText(bytes, "\x01vorbis");
  if (vorbis >= 0) {
    const at = vorbis + 12;
    return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 || null;
  }
  const flac = findText(bytes, "\x7fFLAC");
  return flac >= 0 ? flacRate(bytes, flac + 17) : null;
}

// MP3 and raw AAC (ADTS): of the first header behind which another one follows.
function mpegRate(bytes, start) {
  for (let at = start; at + 6 < Math.min(bytes.length, start + HEADER_BYTES); at++) {
    const found = mpegHeader(bytes, at);
    if (!found) continue;
    const next = at + found.size;
    if (next + 6 >= bytes.length || mpegHeader(bytes, next)?.rate === found.rate) return found.rate;
  }
  return null;
}

function mpegHeader(bytes, at) {
  if (bytes[at] !== 0xFF || (bytes[at + 1] & 0xE0) !== 0xE0) return null;
  const version = bytes[at + 1] >> 3 & 3, layer = 4 - (bytes[at + 1] >> 1 & 3);
  if (layer === 4) return adtsHeader(bytes, at);
  const rate = MPEG_RATES[version]?.[bytes[at + 2] >> 2 & 3];
  const kbits = bytes[at + 2] >> 4;
  if (!rate || kbits === 0 || kbits === 15 || layer !== 3) return null;
  const isFirst = version === 3, table = isFirst
    ? [32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320]
    : [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
  const size = Math.floor((isFirst ? 144000 : 72000) * table[kbits - 1] / rate);
  return {rate, size: size + (bytes[at + 2] >> 1 & 1)};
}

function adtsHeader(bytes, at) {
  const rate = ADTS_RATES[bytes[at + 2] >> 2 & 15];
  const size = (bytes[at + 3] & 3) << 11 | bytes[at + 4] << 3 | bytes[at + 5] >> 5;
  return rate && size > 7 && bytes[at + 1] >= 0xF0 ? {rate, size} : null;
}

// Of the first track with sound, as its sample description has it (16.16 bits).
function mp4Rate(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (const moov of boxes(view, 0, bytes.length, "moov")) {
    for (const track of boxes(view, ...moov, "trak")) {
      const [stsd] = ["mdia", "minf", "stbl", "stsd"].reduce(
        (found, name) => found.flatMap((box) => [...boxes(view, ...box, name)]), [track]);
      const isSound = findText(bytes.subarray(...track), "soun") >= 0;
      const at = stsd && stsd[0] + 40; // version, count; size, name; 24 bytes of the entry
      if (isSound && stsd && at + 2 <= stsd[1]) return view.getUint16(at) || null;
    }
  }
  return null;
}

// [start, end] of the contents of boxes of a name that stand side by side.
function* boxes(view, start, end, name) {
  for (let at = start; at + 8 <= end;) {
    let size = view.getUint32(at), head = 8;
    if (size === 1 && at + 16 <= end) {
      size = Number(view.getBigUint64(at + 8));
      head = 16;
    }
    if (size === 0) size = end - at; // to the end
    if (size < head) return;
    if (textAt(view, at + 4) === name) yield [at + head, Math.min(end, at + size)];
    at += size;
  }
}

// Of the first track with sound.
function matroskaRate(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const inside = (found, id) => found.flatMap((place) => [...elements(view, ...place, id)]);
  for (const track of [SEGMENT, TRACKS, TRACK].reduce(inside, [[0, bytes.length]])) {
    const audio = inside([track], AUDIO), [codec] = inside([track], CODEC);
    if (codec && hasText(bytes, codec[0], "A_OPUS")) return 48000;
    const rates = [OUTPUT_RATE, RATE].flatMap((id) => inside(audio, id)).map(([start, end]) => (
      end - start === 8 ? view.getFloat64(start) : end - start === 4 ? view.getFloat32(start) : 0));
    if (rates.length) return Math.round(rates[0]) || null;
  }
  return null;
}

// [start, end] of the contents of elements of an id that stand side by side.
function* elements(view, start, end, wanted) {
  for (let at = start; at + 2 <= end;) {
    const id = variableNumber(view, at, end, false);
    const size = id && variableNumber(view, at + id.bytes, end, true);
    if (!size) return;
    const first = at + id.bytes + size.bytes;
    at = size.value === 2 ** (7 * size.bytes) - 1 ? end : first + size.value; // or not known
    if (id.value === wanted) yield [first, Math.min(at, end)];
  }
}

// A number of which the leading zero bits tell how many bytes it has; null where it is cut off.
function variableNumber(view, at, end, isWithoutMark) {
  if (at >= end) return null;
  const bytes = Math.clz32(view.getUint8(at)) - 23;
  if (bytes > 8 || at + bytes > end) return null;
  let value = view.getUint8(at) & (isWithoutMark ? (1 << (8 - bytes)) - 1 : 255);
  for (let i = 1; i < bytes; i++) value = value * 256 + view.getUint8(at + i);
  return {value, bytes};
}

// WAV files at their own rate, read in pieces: the browser's decoder would bring them to another
// rate, hold the whole in memory, and does not know all forms. RF64 and BW64 are WAV beyond 4 GB.

const PCM = 1, FLOAT = 3, EXTENSIBLE = 0xFFFE;
const WAV_PIECE_SECS = 5;

// {rate, channels, secs, pieces: async generator of channels [Float32Array, ...]}; null of a file
// that is no WAV, or one of a coding that we do not read (A-law, ADPCM).
async function openWav(file) {
  const head = await viewOf(file, 0, 12);
  if (head.byteLength < 12 || !["RIFF", "RF64", "BW64"].includes(textAt(head, 0))) return null;
  if (textAt(head, 8) !== "WAVE") return null;
  let format = null;
  for (let at = 12; at + 8 <= file.size;) {
    const chunk = await viewOf(file, at, 48);
    const size = chunk.getUint32(4, true);
    if (textAt(chunk, 0) === "fmt ") format = formatOf(chunk);
    if (textAt(chunk, 0) === "data") {
      return format && format.read ? withSamples(file, format, at + 8, size) : null;
    }
    at += 8 + size + size % 2;
  }
  throw new Error("a WAV file without samples; it is damaged");
}

async function viewOf(file, start, size) {
  return new DataView(await file.slice(start, start + size).arrayBuffer());
}

function textAt(view, at) {
  return String.fromCharCode(...[0, 1, 2, 3].map((i) => view.getUint8(at + i)));
}

// What a "fmt " chunk (with its 8 bytes of name and size) says; `read` gives one sample in [-1, 1).
function formatOf(chunk) {
  if (chunk.byteLength < 24) throw new Error("a WAV file whose header is cut off; it is damaged");
  const channels = chunk.getUint16(10, true), rate = chunk.getUint32(12, true);
  const frame = chunk.getUint16(20, true);
  let kind = chunk.getUint16(8, true);
  if (kind === EXTENSIBLE && chunk.byteLength >= 34) kind = chunk.getUint16(32, true);
  if (!channels || !rate || frame < channels) {
    throw new Error(`a WAV file of ${channels} channels at ${rate} Hz; it is damaged`);
  }
  const bytes = frame / channels;
  return {channels, rate, frame, bytes, read: sampleReader(kind, bytes)};
}

function sampleReader(kind, bytes) {
  if (kind === FLOAT && bytes === 4) return (view, at) => view.getFloat32(at, true);
  if (kind === FLOAT && bytes === 8) return (view, at) => view.getFloat64(at, true);
  if (kind !== PCM) return null;
  return {
    1: (view, at) => (view.getUint8(at) - 128) / 128,
    2: (view, at) => view.getInt16(at, true) / 32768,
    3: (view, at) => (view.getUint16(at, true) + view.getInt8(at + 2) * 65536) / 8388608,
    4: (view, at) => view.getInt32(at, true) / 2147483648,
  }[bytes];
}

// A size that is 0 or goes beyond the file is of a writer that was cut off: all that is there.
function withSamples(file, format, start, size) {
  const {channels, rate, frame} = format;
  const there = file.size - start;
  const frames = Math.floor((size === 0 || size > there ? there : size) / frame);
  async function* pieces() {
    const step = Math.round(WAV_PIECE_SECS * rate);
    for (let first = 0; first < frames; first += step) {
      const count = Math.min(step, frames - first);
      yield channelsOf(await viewOf(file, start + first * frame, count * frame), format, count);
    }
  }
  return {rate, channels, secs: frames / rate, pieces};
}

function channelsOf(view, {channels, frame, bytes, read}, count) {
  return Array.from({length: channels}, (_, c) => {
    const samples = new Float32Array(count);
    for (let i = 0; i < count; i++) samples[i] = read(view, i * frame + c * bytes);
    return samples;
  });
}

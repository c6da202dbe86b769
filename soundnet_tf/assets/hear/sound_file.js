// A file that somebody gave, as one channel in pieces: WAV read here, all others by the browser.

const HIGHEST_PEAK = 8; // of float samples; beyond it they are integers in disguise, or garbage
const SILENT_PEAK = 1e-4; // -80 dBFS
const FALLBACK_RATE = 48000; // Hz, where the header does not tell

// {rate, secs, pieces: async generator of Float32Array, isCancelled(): whether the channels, of
// which the mean is taken as bin/recognize.py does, are not silent, but their mean is}.
async function openSound(file) {
  if (!file.size) throw new Error("the file is empty");
  const sound = await openWav(file) ?? await decodedByBrowser(file);
  let peak = 0, peakOfMean = 0;
  async function* pieces() {
    for await (const channels of sound.pieces()) {
      for (const samples of channels) peak = Math.max(peak, checkedPeak(samples));
      const mean = meanOf(channels);
      peakOfMean = Math.max(peakOfMean, checkedPeak(mean));
      yield mean;
    }
  }
  const isCancelled = () => peak >= SILENT_PEAK && peakOfMean < SILENT_PEAK;
  return {rate: sound.rate, secs: sound.secs, pieces, isCancelled};
}

function checkedPeak(samples) {
  let peak = 0;
  for (const sample of samples) {
    const size = Math.abs(sample);
    if (!(size <= HIGHEST_PEAK)) {
      throw new Error(`float samples reach ${sample}, where full scale is 1; the file is damaged `
        + "or written in another scale");
    }
    if (size > peak) peak = size;
  }
  return peak;
}

function meanOf(channels) {
  if (channels.length === 1) return channels[0];
  const mean = new Float32Array(channels[0].length);
  for (const samples of channels) for (let i = 0; i < mean.length; i++) mean[i] += samples[i];
  for (let i = 0; i < mean.length; i++) mean[i] /= channels.length;
  return mean;
}

async function decodedByBrowser(file) {
  const content = await file.arrayBuffer();
  const context = contextOf(headerRate(new Uint8Array(content)) ?? FALLBACK_RATE);
  let sound;
  try {
    sound = await context.decodeAudioData(content);
  } catch {
    throw new Error("this browser cannot decode it: it has no sound, or one of a form that is not "
      + "known here. WAV is read everywhere");
  }
  const size = Math.round(WAV_PIECE_SECS * sound.sampleRate);
  async function* pieces() {
    for (let first = 0; first < sound.length; first += size) {
      yield Array.from({length: sound.numberOfChannels}, (_, c) => (
        sound.getChannelData(c).slice(first, first + size)));
    }
  }
  return {rate: sound.sampleRate, secs: sound.duration, pieces};
}

// Decoding in a context of the file's own rate changes no sample; browsers have bounds for it.
function contextOf(rate) {
  try {
    return new OfflineAudioContext(1, 1, rate);
  } catch {
    return new OfflineAudioContext(1, 1, FALLBACK_RATE);
  }
}

// What is drawn of sound: its highest and lowest samples, and how strong its frequencies are.

const FFT_SIZE = 1024; // 46 ms at 22 050 Hz
const COLUMN_HOP = 512; // samples between columns
const MARGIN = (FFT_SIZE - COLUMN_HOP) / 2; // of a window, before a column's samples and behind
const BANDS = 72; // evenly on the mel scale
const QUIETEST_DB = -80; // below a sine of full scale

// Columns of sound that comes in pieces.
class Spectrum {
  constructor(rate) {
    this.edges = melEdges(rate);
    this.window = Float64Array.from({length: FFT_SIZE}, (_, i) => (
      0.5 - 0.5 * Math.cos(2 * Math.PI * (i + 0.5) / FFT_SIZE)));
    this.kept = new Float32Array(MARGIN);
  }

  // New columns {bands: Uint8Array [columns, BANDS], low, high: Float32Array [columns]}, low
  // frequencies first; 255 is a sine of full scale.
  push(samples) {
    const x = new Float32Array(this.kept.length + samples.length);
    x.set(this.kept);
    x.set(samples, this.kept.length);
    const columns = Math.max(0, Math.floor((x.length - FFT_SIZE) / COLUMN_HOP) + 1);
    const bands = new Uint8Array(columns * BANDS);
    const low = new Float32Array(columns), high = new Float32Array(columns);
    for (let i = 0; i < columns; i++) {
      const start = i * COLUMN_HOP;
      bands.set(this.column(x.subarray(start, start + FFT_SIZE)), i * BANDS);
      for (const sample of x.subarray(start + MARGIN, start + MARGIN + COLUMN_HOP)) {
        low[i] = Math.min(low[i], sample);
        high[i] = Math.max(high[i], sample);
      }
    }
    this.kept = x.slice(columns * COLUMN_HOP);
    return {bands, low, high};
  }

  // The last columns, as many as hold samples: silence stands behind the sound.
  finish() {
    return this.push(new Float32Array(FFT_SIZE - MARGIN - 1));
  }

  column(samples) {
    const real = Float64Array.from(samples, (sample, i) => sample * this.window[i]);
    const imaginary = new Float64Array(FFT_SIZE);
    fft(real, imaginary);
    return Uint8Array.from({length: BANDS}, (_, b) => {
      let most = 0;
      for (let k = this.edges[b]; k < this.edges[b + 1]; k++) {
        most = Math.max(most, real[k] ** 2 + imaginary[k] ** 2);
      }
      const db = 10 * Math.log10(most * (4 / FFT_SIZE) ** 2 + 1e-12);
      return Math.max(0, Math.min(255, 255 * (1 - db / QUIETEST_DB)));
    });
  }
}

// Bins of the FFT at which bands begin, each at least one bin wide.
function melEdges(rate) {
  const toMel = (hz) => 2595 * Math.log10(1 + hz / 700), most = toMel(rate / 2);
  const edges = [1];
  for (let b = 1; b <= BANDS; b++) {
    const hz = 700 * (10 ** (most * b / BANDS / 2595) - 1);
    edges.push(Math.max(edges[b - 1] + 1, Math.round(hz / rate * FFT_SIZE)));
  }
  return edges;
}

// The discrete Fourier transform of a power of two of numbers, in place.
function fft(real, imaginary) {
  const size = real.length;
  for (let i = 1, j = 0; i < size; i++) {
    let bit = size >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i < j) {
      [real[i], real[j]] = [real[j], real[i]];
      [imaginary[i], imaginary[j]] = [imaginary[j], imaginary[i]];
    }
  }
  for (let half = 1; half < size; half *= 2) {
    for (let k = 0; k < half; k++) {
      const cosine = Math.cos(Math.PI * k / half), sine = -Math.sin(Math.PI * k / half);
      for (let a = k; a < size; a += 2 * half) {
        const b = a + half;
        const x = real[b] * cosine - imaginary[b] * sine;
        const y = real[b] * sine + imaginary[b] * cosine;
        real[b] = real[a] - x;
        imaginary[b] = imaginary[a] - y;
        real[a] += x;
        imaginary[a] += y;
      }
    }
  }
}

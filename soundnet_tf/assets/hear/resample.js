// From one sample rate to another, of sound that comes in pieces: a sinc with a Kaiser window, with
// the pass band of soxr's HQ (flat to 0.914 of the lower rate's half, nothing from that half on),
// which bin/recognize.py and training use. Its phase is linear: sample 0 stays at its moment.

const PASS_BAND = 0.9136; // of half the lower rate
const STOP_BAND = 1.0;
const REJECTION_DB = 132;
const MOST_PHASES = 1024; // beyond, filters are interpolated: 118 dB below the sound

class Resampler {
  constructor(fromRate, toRate) {
    if (!(fromRate > 0 && toRate > 0)) throw new Error(`a sample rate of ${fromRate} Hz`);
    const common = greatestCommonDivisor(Math.round(fromRate), Math.round(toRate));
    this.up = Math.round(toRate) / common;
    this.down = Math.round(fromRate) / common;
    this.isSame = this.up === this.down;
    this.phases = Math.min(this.up, MOST_PHASES);
    const share = Math.min(1, this.up / this.down);
    const width = Math.PI * (STOP_BAND - PASS_BAND) * share; // of the transition, radians a sample
    this.half = Math.ceil((REJECTION_DB - 8) / (2.285 * width) / 2); // of the filter, in samples
    this.cutoff = (PASS_BAND + STOP_BAND) / 2 * share;
    this.filters = []; // phase to Float64Array [2 half], made when they are needed
    this.kept = new Float32Array(this.half); // silence before the sound
    this.keptFrom = -this.half; // the number of the first kept sample
    this.received = 0;
    this.given = 0;
  }

  // The next samples to those that they determine, clipped to [-1, 1].
  push(samples) {
    this.received += samples.length;
    if (this.isSame) return clipped(samples);
    this.keep(samples);
    return this.outputsUntil(this.received - this.half);
  }

  // The rest, once no more come: as many samples as round(received * toRate / fromRate).
  finish() {
    if (this.isSame) return new Float32Array(0);
    this.keep(new Float32Array(2 * this.half + 1));
    const all = Math.floor((this.received * this.up) / this.down + 0.5);
    return this.outputsUntil(Infinity, all);
  }

  keep(samples) {
    const joined = new Float32Array(this.kept.length + samples.length);
    joined.set(this.kept);
    joined.set(samples, this.kept.length);
    this.kept = joined;
  }

  // Outputs in order while the sample before them is below `end`, and no more than `most` in all.
  outputsUntil(end, most = Infinity) {
    const outputs = [];
    for (; this.given < most; this.given++) {
      const place = this.given * this.down, base = Math.floor(place / this.up);
      if (base >= end) break;
      outputs.push(this.at(base, (place - base * this.up) / this.up));
    }
    const first = Math.floor((this.given * this.down) / this.up) - this.half;
    const old = Math.max(0, Math.min(first - this.keptFrom, this.kept.length));
    this.kept = this.kept.slice(old);
    this.keptFrom += old;
    return clipped(outputs);
  }

  // The sound at sample `base` + `fraction`.
  at(base, fraction) {
    const phase = fraction * this.phases, lower = Math.floor(phase + 1e-9), rest = phase - lower;
    const start = base - this.half + 1 - this.keptFrom;
    const below = this.product(start, lower);
    return rest < 1e-6 ? below : below + rest * (this.product(start, lower + 1) - below);
  }

  product(start, phase) {
    const filter = this.filters[phase] ??= this.filter(phase / this.phases), x = this.kept;
    let even = 0, odd = 0;
    for (let i = 0; i < filter.length; i += 2) {
      even += filter[i] * x[start + i];
      odd += filter[i + 1] * x[start + i + 1];
    }
    return even + odd;
  }

  // What samples base - half + 1 … base + half count for a moment `fraction` behind base.
  filter(fraction) {
    const beta = 0.1102 * (REJECTION_DB - 8.7), inTheMiddle = besselI0(beta);
    return Float64Array.from({length: 2 * this.half}, (_, i) => {
      const distance = i - this.half + 1 - fraction;
      const angle = Math.PI * this.cutoff * distance;
      const sinc = angle === 0 ? 1 : Math.sin(angle) / angle;
      const along = Math.min(1, Math.abs(distance) / this.half);
      const window = besselI0(beta * Math.sqrt(1 - along * along)) / inTheMiddle;
      return this.cutoff * sinc * window;
    });
  }
}

function greatestCommonDivisor(a, b) {
  return b ? greatestCommonDivisor(b, a % b) : a;
}

// The modified Bessel function of order 0, by its power series.
function besselI0(x) {
  let term = 1, sum = 1;
  for (let k = 1; term > 1e-17 * sum; k++) {
    term *= (x / 2 / k) ** 2;
    sum += term;
  }
  return sum;
}

function clipped(samples) {
  const outputs = new Float32Array(samples.length);
  for (let i = 0; i < outputs.length; i++) outputs[i] = Math.max(-1, Math.min(1, samples[i]));
  return outputs;
}

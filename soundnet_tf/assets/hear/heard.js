// What was heard in one sound so far.

// Numbers of which more and more come.
class Growing {
  constructor(kind) {
    this.values = new kind(1024);
    this.length = 0;
  }

  add(values) {
    while (this.length + values.length > this.values.length) {
      const larger = new this.values.constructor(2 * this.values.length);
      larger.set(this.values);
      this.values = larger;
    }
    this.values.set(values, this.length);
    this.length += values.length;
  }
}

class Heard {
  // `secs` is the length of the whole, if it is known before.
  constructor(name, secs = 0) {
    this.name = name;
    this.expectedSecs = secs;
    this.secs = 0; // heard so far
    this.steps = []; // [{secs, probabilities: {head: Float32Array}}]
    this.bands = new Growing(Uint8Array);
    this.low = new Growing(Float32Array);
    this.high = new Growing(Float32Array);
    this.sound = []; // Int16Array pieces
    this.sums = {}; // head to Float64Array [classes], over all steps
    this.most = {}; // likewise
    for (const {name, classes} of NETWORK.heads) {
      this.sums[name] = new Float64Array(classes);
      this.most[name] = new Float64Array(classes);
    }
  }

  add({steps, columns, sound, samples}) {
    for (const step of steps) this.addStep(step);
    for (const {bands, low, high} of columns) {
      this.bands.add(bands);
      this.low.add(low);
      this.high.add(high);
    }
    this.sound.push(sound);
    this.secs = samples / NETWORK.sample_rate;
  }

  addStep(step) {
    this.steps.push(step);
    for (const {name, classes} of NETWORK.heads) {
      const probabilities = step.probabilities[name];
      for (let c = 0; c < classes; c++) {
        this.sums[name][c] += probabilities[c];
        this.most[name][c] = Math.max(this.most[name][c], probabilities[c]);
      }
    }
  }

  // The number of the step whose centre is nearest to a moment; -1 before there is one.
  nearest(secs) {
    const [first] = this.steps;
    if (!first) return -1;
    const step = Math.round((secs - first.secs) / NETWORK.hop_secs);
    return Math.max(0, Math.min(this.steps.length - 1, step));
  }

  // [begin, end] in seconds of what a step hears.
  field(step) {
    const half = NETWORK.receptive_field_secs / 2, {secs} = this.steps[step];
    if (this.isLooped()) return [0, this.secs];
    return [Math.max(0, secs - half), Math.min(this.secs, secs + half)];
  }

  isLooped() {
    return this.secs * NETWORK.sample_rate < NETWORK.minimum_samples - 0.5;
  }

  // Of each class the mean over all steps.
  overall(head) {
    return this.sums[head.name].map((sum) => sum / this.steps.length);
  }

  // The classes that were surest at any step, with that probability, falling.
  surest(head, count) {
    return this.steps.length ? ranked(head, this.most[head.name], count) : [];
  }

  // A WAV file of what the network heard: one channel, 16 bits.
  wav() {
    const bytes = this.sound.reduce((sum, piece) => sum + piece.byteLength, 0);
    const rate = NETWORK.sample_rate, header = new DataView(new ArrayBuffer(44));
    const put = (at, text) => [...text].forEach((c, i) => header.setUint8(at + i, c.charCodeAt(0)));
    put(0, "RIFF");
    header.setUint32(4, 36 + bytes, true);
    put(8, "WAVEfmt ");
    header.setUint32(16, 16, true);
    header.setUint16(20, 1, true);
    header.setUint16(22, 1, true);
    header.setUint32(24, rate, true);
    header.setUint32(28, 2 * rate, true);
    header.setUint16(32, 2, true);
    header.setUint16(34, 16, true);
    put(36, "data");
    header.setUint32(40, bytes, true);
    return new Blob([header, ...this.sound], {type: "audio/wav"});
  }
}

// The `count` most probable classes: [{label, probability}], of equal ones the first first.
function ranked(head, probabilities, count) {
  const best = []; // numbers of classes
  for (let c = 0; c < probabilities.length; c++) {
    let place = best.length;
    while (place && probabilities[best[place - 1]] < probabilities[c]) place--;
    if (place < count) best.splice(place, 0, c);
    best.length = Math.min(best.length, count);
  }
  return best.map((c) => ({class: c, label: head.labels[c], probability: probabilities[c]}));
}

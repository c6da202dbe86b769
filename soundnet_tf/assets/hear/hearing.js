// One sound from its own rate to answers and to what is drawn of it.

class Hearing {
  constructor(network, weights, rate) {
    this.network = network;
    this.weights = weights;
    this.resampler = new Resampler(rate, network.sample_rate);
    this.stream = new Stream(network, weights);
    this.spectrum = new Spectrum(network.sample_rate);
    this.beginning = new Float32Array(network.minimum_samples); // all of what is too short
    this.samples = 0; // at the network's rate
  }

  // The next samples, one channel: {steps: as of Stream, columns: as of Spectrum, sound:
  // Int16Array, what the network heard, samples: how many in all}.
  push(samples) {
    return this.hear(this.resampler.push(samples), false);
  }

  // What the end determines. Of a sound of less than minimum_samples (11 s) there is one step: it
  // is repeated to 20 s, and the mean of those steps stands in its middle, as of bin/recognize.py.
  finish() {
    const last = this.hear(this.resampler.finish(), true);
    if (this.samples < this.network.minimum_samples) last.steps = [this.looped()];
    return last;
  }

  hear(sound, isEnd) {
    this.beginning.set(sound.subarray(0, Math.max(0, this.beginning.length - this.samples)),
      Math.min(this.samples, this.beginning.length));
    this.samples += sound.length;
    const columns = [this.spectrum.push(sound), ...(isEnd ? [this.spectrum.finish()] : [])];
    return {
      steps: this.stream.push(sound, isEnd),
      columns,
      sound: Int16Array.from(sound, (sample) => Math.round(sample * 32767)),
      samples: this.samples,
    };
  }

  looped() {
    const sound = new Float32Array(this.network.target_samples);
    for (let at = 0; this.samples && at < sound.length; at += this.samples) {
      sound.set(this.beginning.subarray(0, Math.min(this.samples, sound.length - at)), at);
    }
    const stream = new Stream(this.network, this.weights);
    const steps = [...stream.push(sound), ...stream.push(new Float32Array(0), true)];
    const probabilities = {};
    for (const {name, classes} of this.network.heads) {
      const mean = new Float32Array(classes);
      for (const step of steps) {
        for (let c = 0; c < classes; c++) mean[c] += step.probabilities[name][c] / steps.length;
      }
      probabilities[name] = mean;
    }
    return {secs: this.samples / this.network.sample_rate / 2, probabilities};
  }
}

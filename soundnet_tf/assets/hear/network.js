// SoundNet, streaming: the arithmetic of soundnet_tf/serving/stream.py in typed arrays.
//
// Arrays of steps are Float32Array [steps, channels], channels next to each other. Every layer
// keeps the steps of its input that its next windows need, and only those; so memory does not grow,
// nothing is computed twice, and outputs do not depend on how the sound was cut into pieces.

const FILTERS_AT_ONCE = 4;

// The weights of a network: kernels as 16-bit floats, biases as 32-bit ones, each in base64.
// `network` is what page.py writes: blocks of a convolution and perhaps a pool, and heads.
// Gives layer name to {kernel: Float32Array [filters, window], bias: Float32Array [filters]},
// its filters filled up to a multiple of four with zeros.
function decodeWeights(network, kernelsText, biasesText) {
  const kernels = new Uint16Array(bytesOfBase64(kernelsText).buffer);
  const biases = new Float32Array(bytesOfBase64(biasesText).buffer);
  const toFloat = tableOfHalves();
  const weights = {};
  let kernelAt = 0, biasAt = 0;
  for (const {name, filters, windowSize} of layersWithWeights(network)) {
    const rows = Math.ceil(filters / FILTERS_AT_ONCE) * FILTERS_AT_ONCE;
    const kernel = new Float32Array(rows * windowSize);
    for (let i = 0; i < filters * windowSize; i++) kernel[i] = toFloat[kernels[kernelAt + i]];
    const bias = biases.slice(biasAt, biasAt + filters);
    weights[name] = {kernel, bias};
    kernelAt += filters * windowSize;
    biasAt += filters;
  }
  if (kernelAt !== kernels.length || biasAt !== biases.length) {
    throw new Error(`the page is damaged: it has ${kernels.length} weights, not ${kernelAt}`);
  }
  return weights;
}

// In the order in which their weights stand in the page: the trunk, then the heads.
function layersWithWeights(network) {
  const layers = [];
  let channels = 1;
  for (const {conv} of network.blocks) {
    layers.push({name: conv.name, filters: conv.filters, windowSize: conv.kernel * channels});
    channels = conv.filters;
  }
  for (const {name, classes} of network.heads) {
    layers.push({name, filters: classes, windowSize: network.head.kernel * channels});
  }
  return layers;
}

function bytesOfBase64(text) {
  const piece = 1 << 20; // characters; a multiple of four
  const padding = text.endsWith("==") ? 2 : text.endsWith("=") ? 1 : 0;
  const bytes = new Uint8Array(text.length / 4 * 3 - padding);
  let at = 0;
  for (let start = 0; start < text.length; start += piece) {
    const some = atob(text.slice(start, start + piece));
    for (let i = 0; i < some.length; i++) bytes[at + i] = some.charCodeAt(i);
    at += some.length;
  }
  return bytes;
}

// The value of each of the 65 536 numbers of 16 bits (IEEE 754 binary16).
function tableOfHalves() {
  const table = new Float32Array(65536);
  for (let bits = 0; bits < 65536; bits++) {
    const exponent = bits >> 10 & 31, fraction = bits & 1023;
    let value = exponent ? (1024 + fraction) * 2 ** (exponent - 25) : fraction * 2 ** -24;
    if (exponent === 31) value = fraction ? NaN : Infinity;
    table[bits] = bits >> 15 ? -value : value;
  }
  return table;
}

// What a layer's next windows need of its input; its left padding, zeros, to begin with.
class Sliding {
  constructor({kernel, stride, padding}, channels) {
    this.kernel = kernel;
    this.stride = stride;
    this.channels = channels;
    this.behind = padding * channels;
    this.kept = new Float32Array(padding * channels);
    this.hasBegun = false;
  }

  // New steps of the input to {x, steps}: `steps` whole windows, the first at the beginning of x.
  // At the end zeros pad the last ones, if there was any input.
  advance(input, isEnd) {
    this.hasBegun ||= input.length > 0;
    const zeros = isEnd && this.hasBegun ? this.behind : 0;
    const x = new Float32Array(this.kept.length + input.length + zeros);
    x.set(this.kept);
    x.set(input, this.kept.length);
    const length = x.length / this.channels;
    const whole = Math.floor((length - this.kernel) / this.stride) + 1;
    const steps = this.hasBegun ? Math.max(0, whole) : 0;
    this.kept = x.slice(steps * this.stride * this.channels);
    return {x, steps};
  }
}

// `steps` windows of x, `hop` numbers apart, times each filter of a kernel [filters, window],
// without the bias. Two windows and four filters at once: what is read is used several times.
function convolve(x, steps, hop, kernel, filters, windowSize) {
  const outputs = new Float32Array(steps * filters);
  for (let f = 0; f < filters; f += FILTERS_AT_ONCE) {
    const k0 = f * windowSize, k1 = k0 + windowSize, k2 = k1 + windowSize, k3 = k2 + windowSize;
    for (let n = 0; n < steps; n += 2) {
      const other = Math.min(n + 1, steps - 1); // the last of an odd number is computed twice
      const x0 = n * hop, x1 = other * hop;
      let a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
      for (let i = 0; i < windowSize; i++) {
        const a = x[x0 + i], b = x[x1 + i];
        const w0 = kernel[k0 + i], w1 = kernel[k1 + i], w2 = kernel[k2 + i], w3 = kernel[k3 + i];
        a0 += a * w0;
        a1 += a * w1;
        a2 += a * w2;
        a3 += a * w3;
        b0 += b * w0;
        b1 += b * w1;
        b2 += b * w2;
        b3 += b * w3;
      }
      const count = Math.min(FILTERS_AT_ONCE, filters - f);
      const sumsA = [a0, a1, a2, a3], sumsB = [b0, b1, b2, b3];
      for (let j = 0; j < count; j++) {
        outputs[n * filters + f + j] = sumsA[j];
        outputs[other * filters + f + j] = sumsB[j];
      }
    }
  }
  return outputs;
}

// The greatest of `steps` windows [kernel, channels] of x, `hop` numbers apart.
function maxPool(x, steps, hop, kernel, channels) {
  const outputs = new Float32Array(steps * channels);
  for (let n = 0; n < steps; n++) {
    for (let c = 0; c < channels; c++) {
      let most = x[n * hop + c];
      for (let k = 1; k < kernel; k++) most = Math.max(most, x[n * hop + k * channels + c]);
      outputs[n * channels + c] = most;
    }
  }
  return outputs;
}

// Adds the bias to [steps, filters], in place; of a trunk layer nothing below zero is left.
function activate(values, bias, isTrunk) {
  for (let i = 0; i < values.length; i += bias.length) {
    for (let c = 0; c < bias.length; c++) {
      const value = values[i + c] + bias[c];
      values[i + c] = isTrunk && value < 0 ? 0 : value;
    }
  }
  return values;
}

function softmax(logits) {
  const most = logits.reduce((a, b) => Math.max(a, b), -Infinity);
  const powers = Float64Array.from(logits, (logit) => Math.exp(logit - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return Float32Array.from(powers, (power) => power / sum);
}

// One sound through the network, piece by piece.
class Stream {
  constructor(network, weights) {
    this.network = network;
    this.weights = weights;
    this.count = 0; // steps of the heads so far
    let channels = 1;
    this.blocks = network.blocks.map(({conv, pool}) => {
      const block = {conv, pool, before: new Sliding(conv, channels)};
      channels = conv.filters;
      if (pool) block.between = new Sliding(pool, channels);
      return block;
    });
    this.channels = channels;
    // The trunk's newest step waits for a next one: the last of all hears the padding behind the
    // sound, of which no head ever learned.
    this.waiting = new Float32Array(0);
    this.heads = network.heads.map(({name, classes}) => (
      {name, classes, before: new Sliding(network.head, channels)}));
  }

  // The next samples, mono at the network's rate in [-1, 1]; `isEnd` with the last of them. Gives
  // new steps: [{secs: centre of what it hears, probabilities: {head: Float32Array [classes]}}].
  push(samples, isEnd = false) {
    let x = samples;
    for (const {conv, pool, before, between} of this.blocks) {
      x = this.filtered(conv, conv.filters, before, before.advance(x, isEnd));
      if (pool) {
        const heard = between.advance(x, isEnd);
        x = maxPool(heard.x, heard.steps, pool.stride * conv.filters, pool.kernel, conv.filters);
      }
      activate(x, this.weights[conv.name].bias, true);
    }
    return this.answers(x);
  }

  filtered({name}, filters, {kernel, stride, channels}, {x, steps}) {
    const windowSize = kernel * channels;
    return convolve(x, steps, stride * channels, this.weights[name].kernel, filters, windowSize);
  }

  answers(trunk) {
    const heard = new Float32Array(this.waiting.length + trunk.length);
    heard.set(this.waiting);
    heard.set(trunk, this.waiting.length);
    const ready = Math.max(0, heard.length - this.channels);
    this.waiting = heard.slice(ready);
    const steps = [];
    for (const {name, classes, before} of this.heads) {
      const windows = before.advance(heard.subarray(0, ready), false);
      const logits = this.filtered({name}, classes, before, windows);
      activate(logits, this.weights[name].bias, false);
      for (let i = 0; i < windows.steps; i++) {
        steps[i] ??= {secs: this.centreSecs(this.count + i), probabilities: {}};
        steps[i].probabilities[name] = softmax(logits.subarray(i * classes, (i + 1) * classes));
      }
    }
    this.count += steps.length;
    return steps;
  }

  centreSecs(step) {
    return this.network.first_centre_secs + step * this.network.hop_secs;
  }
}

// A sound over time: waveform, spectrogram, and a row for each of the surest objects and scenes.

const LIVE_SECS = 20; // that the width shows at least while it is not known how long it will be
const LEAST_PIXELS = 4; // a second, unless the sound is so long that the canvas would be too wide
const WIDEST = 16000; // pixels
const ROWS = 6; // of a head
const FULL = 0.5; // the probability from which on a colour is full
const TICKS_SECS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];

class Timeline {
  // `seek(secs)` is called when somebody points at a moment or goes there by keys.
  constructor(root, seek) {
    this.root = root;
    this.scroll = root.parentElement;
    this.seek = seek;
    this.moment = 0;
    this.heard = null;
    this.rows = new Map(); // head name and place to {label, canvas}
    this.part = (name) => root.querySelector(`.${name}`);
    root.addEventListener("pointerdown", (event) => this.pointed(event));
    root.addEventListener("pointermove", (event) => event.buttons === 1 && this.pointed(event));
    root.addEventListener("keydown", (event) => this.pressed(event));
    new ResizeObserver(() => this.draw()).observe(this.scroll);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  show(heard) {
    this.heard = heard;
    this.moment = 0;
    this.part("rows").replaceChildren();
    this.rows.clear();
    this.draw();
  }

  // Draws soon; many calls in a row draw once.
  changed() {
    this.soon ??= setTimeout(() => this.draw(), 200);
  }

  draw() {
    clearTimeout(this.soon);
    this.soon = null;
    if (!this.heard || !this.scroll.clientWidth) return;
    const {secs, expectedSecs} = this.heard;
    const duration = Math.max(secs, expectedSecs || LIVE_SECS);
    const least = Math.min(LEAST_PIXELS, WIDEST / duration);
    this.scale = Math.max(this.scroll.clientWidth / duration, least); // pixels a second
    this.width = Math.max(this.scroll.clientWidth, Math.ceil(this.scale * duration));
    this.root.style.width = `${this.width}px`;
    const style = getComputedStyle(this.root);
    this.colours = Object.fromEntries(["ink", "soft", "paper", "line", "accent", "second"].map(
      (name) => [name, style.getPropertyValue(`--${name}`).trim()]));
    this.drawWaveform(this.pen(this.part("waveform"), 64));
    this.drawSpectrogram(this.part("spectrogram"));
    this.drawClock(this.pen(this.part("clock"), 20));
    NETWORK.heads.forEach((head, i) => this.drawHead(head, i ? "second" : "accent"));
    this.goTo(this.moment);
  }

  // A canvas as wide as the timeline, sharp on every screen, empty.
  pen(canvas, height) {
    const ratio = Math.min(devicePixelRatio || 1, WIDEST / this.width);
    canvas.width = Math.round(this.width * ratio);
    canvas.height = Math.round(height * ratio);
    canvas.style.width = `${this.width}px`;
    canvas.style.height = `${height}px`;
    const pen = canvas.getContext("2d");
    pen.scale(canvas.width / this.width, ratio);
    pen.font = "11px system-ui, sans-serif";
    return pen;
  }

  // Columns [first, end) of the spectrum that lie in one pixel; at least one.
  columnsAt(x) {
    const perPixel = NETWORK.sample_rate / COLUMN_HOP / this.scale;
    const first = Math.floor(x * perPixel);
    return [first, Math.max(first + 1, Math.floor((x + 1) * perPixel))];
  }

  drawWaveform(pen) {
    const {low, high} = this.heard;
    pen.fillStyle = this.colours.line;
    pen.fillRect(0, 31.5, this.width, 1);
    pen.fillStyle = this.colours.soft;
    for (let x = 0; x < this.width; x++) {
      const [first, end] = this.columnsAt(x);
      if (first >= low.length) break;
      let lowest = 0, highest = 0;
      for (let i = first; i < Math.min(end, low.length); i++) {
        lowest = Math.min(lowest, low.values[i]);
        highest = Math.max(highest, high.values[i]);
      }
      pen.fillRect(x, 32 - 31 * highest, 1, Math.max(1, 31 * (highest - lowest)));
    }
  }

  // One pixel a band; the style makes it higher.
  drawSpectrogram(canvas) {
    canvas.width = this.width;
    canvas.height = BANDS;
    canvas.style.width = `${this.width}px`;
    const pen = canvas.getContext("2d"), image = pen.createImageData(this.width, BANDS);
    const [red, green, blue] = rgb(this.colours.ink), ink = blue << 16 | green << 8 | red;
    const pixels = new Uint32Array(image.data.buffer);
    const {values, length} = this.heard.bands;
    for (let x = 0; x < this.width; x++) {
      const [first, end] = this.columnsAt(x);
      if (first * BANDS >= length) break;
      for (let b = 0; b < BANDS; b++) {
        let most = 0;
        for (let i = first; i < end && i * BANDS < length; i++) {
          most = Math.max(most, values[i * BANDS + b]);
        }
        pixels[(BANDS - 1 - b) * this.width + x] = most << 24 | ink;
      }
    }
    pen.putImageData(image, 0, 0);
  }

  drawClock(pen) {
    const every = TICKS_SECS.find((secs) => secs * this.scale >= 56) ?? TICKS_SECS.at(-1);
    pen.fillStyle = this.colours.soft;
    for (let secs = 0; secs * this.scale < this.width - 30; secs += every) {
      pen.fillRect(secs * this.scale, 0, 1, 4);
      pen.fillText(clock(secs).replace(/\.0$/, ""), secs * this.scale + 3, 13);
    }
  }

  drawHead(head, colour) {
    this.heard.surest(head, ROWS).forEach(({class: number, label, probability}, place) => {
      const row = this.row(head, place);
      row.label.textContent = `${shortName(label)}, up to ${percent(probability)}`;
      this.drawRow(this.pen(row.canvas, 16), head.name, number, this.colours[colour]);
    });
  }

  drawRow(pen, head, number, colour) {
    const {steps} = this.heard, isLooped = this.heard.isLooped();
    pen.fillStyle = this.colours.line;
    pen.fillRect(0, 15, this.width, 1);
    steps.forEach(({secs, probabilities}) => {
      const [begin, end] = isLooped ? [0, this.heard.secs]
        : [secs - NETWORK.hop_secs / 2, secs + NETWORK.hop_secs / 2];
      const x = begin * this.scale, width = (end - begin) * this.scale;
      const probability = probabilities[head][number];
      const strength = Math.sqrt(Math.min(1, probability / FULL)); // so that a hundredth is seen
      pen.globalAlpha = strength;
      pen.fillStyle = colour;
      pen.fillRect(x, 0, width - (width > 4 ? 1 : 0), 15);
      pen.globalAlpha = 1;
      if (width < 34 || probability < 0.005) return;
      pen.fillStyle = this.colourOn(colour, strength);
      pen.fillText(percent(probability), x + 4, 11.5);
    });
  }

  // Ink or paper, whichever is read better on a colour that covers the paper by `strength`.
  colourOn(colour, strength) {
    const [over, paper, ink] = [colour, this.colours.paper, this.colours.ink].map(rgb);
    const mixed = luminance(over.map((value, i) => strength * value + (1 - strength) * paper[i]));
    const contrast = (other) => {
      const [darker, lighter] = [mixed, luminance(other)].sort((a, b) => a - b);
      return (lighter + 0.05) / (darker + 0.05);
    };
    return contrast(ink) >= contrast(paper) ? this.colours.ink : this.colours.paper;
  }

  row(head, place) {
    const key = `${head.name} ${place}`;
    if (!this.rows.has(key)) {
      const row = made("div", "row"), label = made("span", "label"), canvas = made("canvas");
      row.append(label, canvas);
      this.ofHead(head).append(row);
      this.rows.set(key, {label, canvas});
    }
    return this.rows.get(key);
  }

  ofHead(head) {
    const box = this.part("rows");
    const found = [...box.children].find(({dataset}) => dataset.head === head.name);
    if (found) return found;
    const group = made("div", "head");
    group.dataset.head = head.name;
    group.append(made("strong", "label", capital(head.name)));
    box.append(group);
    return group;
  }

  // Moves the line, and what is told of the moment.
  goTo(secs) {
    this.moment = secs;
    const x = secs * this.scale, step = this.heard.nearest(secs), field = this.part("field");
    this.part("line").style.transform = `translateX(${x}px)`;
    field.hidden = step < 0;
    if (step >= 0) {
      const [begin, end] = this.heard.field(step);
      field.style.left = `${begin * this.scale}px`;
      field.style.width = `${(end - begin) * this.scale}px`;
    }
    const {scrollLeft, clientWidth} = this.scroll, left = x - clientWidth / 4;
    if (x < scrollLeft || x > scrollLeft + clientWidth - 8) this.scroll.scrollLeft = left;
    this.root.setAttribute("aria-valuemax", this.heard.secs.toFixed(1));
    this.root.setAttribute("aria-valuenow", secs.toFixed(1));
    this.root.setAttribute("aria-valuetext", `${clock(secs)} of ${clock(this.heard.secs)}`
      + (step < 0 ? "" : `: ${sentence(this.heard.steps[step], 1)}`));
  }

  pointed(event) {
    if (!this.heard) return;
    const x = event.clientX - this.root.getBoundingClientRect().left;
    this.seek(Math.max(0, Math.min(this.heard.secs, x / this.scale)));
  }

  pressed(event) {
    const moves = {
      ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1,
      PageDown: -NETWORK.hop_secs, PageUp: NETWORK.hop_secs, Home: -Infinity, End: Infinity,
    };
    if (!this.heard || !(event.key in moves)) return;
    event.preventDefault();
    this.seek(Math.max(0, Math.min(this.heard.secs, this.moment + moves[event.key])));
  }
}

// [red, green, blue] of a colour that a style sheet has as #rgb or #rrggbb.
function rgb(colour) {
  const isShort = colour.length === 4;
  const digits = isShort ? [...colour.slice(1)].map((d) => d + d) : colour.match(/\w\w/g);
  return digits.map((digit) => parseInt(digit, 16));
}

// From 0, black, to 1, white (WCAG).
function luminance(colour) {
  const [red, green, blue] = colour.map((value) => (value / 255) ** 2.2);
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

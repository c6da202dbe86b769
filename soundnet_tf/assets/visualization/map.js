// Maps of clips: what is chosen in one is chosen in all. Every text of the data goes in as text.
"use strict";
(() => {
const data = JSON.parse(document.getElementById("map-data").textContent);
const root = document.querySelector(".sound-map");
const one = (selector) => root.querySelector(selector);
const COLOURS = 10, SHAPES = ["circle", "square", "triangle", "diamond", "cross"], PAGE = 50, MARGIN = 18, MOST_NAMED = 15, FEW = 5;
const shown = data.names.map(() => true);
const state = {chosen: -1, word: "", listed: PAGE, matching: []};

const labelOf = (clip) => data.labels[clip] < 0 ? "" : data.names[data.labels[clip]];
const nameOf = (clip) => labelOf(clip) ? `${labelOf(clip)}: ${data.ids[clip]}` : data.ids[clip];
const colours = () => {
  const style = getComputedStyle(root), of = (name) => style.getPropertyValue(name).trim();
  return {ink: of("--ink"), paper: of("--paper"), soft: of("--soft"), labels: Array.from({length: COLOURS}, (_, i) => of(`--c${i}`))};
};
const lowered = data.ids.map((_, clip) => nameOf(clip).toLowerCase());
const isVisible = (clip) => (data.labels[clip] < 0 || shown[data.labels[clip]]) && (!state.word || lowered[clip].includes(state.word));

function outline(context, shape, x, y, r) {
  context.beginPath();
  if (shape === "circle") context.arc(x, y, r, 0, 2 * Math.PI);
  else if (shape === "square") context.rect(x - r * 0.9, y - r * 0.9, r * 1.8, r * 1.8);
  else if (shape === "triangle") { context.moveTo(x, y - r * 1.2); context.lineTo(x + r * 1.1, y + r * 0.8); context.lineTo(x - r * 1.1, y + r * 0.8); context.closePath(); }
  else if (shape === "diamond") { context.moveTo(x, y - r * 1.3); context.lineTo(x + r * 1.3, y); context.lineTo(x, y + r * 1.3); context.lineTo(x - r * 1.3, y); context.closePath(); }
  else { const w = r * 0.4; context.rect(x - r * 1.1, y - w, 2.2 * r, 2 * w); context.rect(x - w, y - r * 1.1, 2 * w, 2.2 * r); }
}

class View {
  constructor(figure, map) {
    Object.assign(this, {map, canvas: figure.querySelector("canvas"), tip: figure.querySelector(".map-tip"), zoom: 1, x: 0.5, y: 0.5});
    this.place = new Map(map.clips.map((clip, i) => [clip, i]));
    this.canvas.addEventListener("pointerdown", (event) => this.press(event));
    this.canvas.addEventListener("pointermove", (event) => this.move(event));
    this.canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
    this.canvas.addEventListener("pointerup", (event) => this.release(event));
    this.canvas.addEventListener("pointercancel", () => { this.pressed = null; });
    this.canvas.addEventListener("wheel", (event) => { if (event.ctrlKey || document.activeElement === this.canvas) { event.preventDefault(); this.scale(event.deltaY < 0 ? 1.25 : 0.8, this.at(event)); } }, {passive: false});
    this.canvas.addEventListener("keydown", (event) => this.key(event));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
  }
  get side() { return this.canvas.clientWidth; }
  // On the canvas, in its pixels, of what lies in the square of the data, y upwards.
  px(i) { const inner = (this.side - 2 * MARGIN) * this.zoom; return [this.side / 2 + (this.map.x[i] - this.x) * inner, this.side / 2 - (this.map.y[i] - this.y) * inner]; }
  at(event) { const box = this.canvas.getBoundingClientRect(); return [event.clientX - box.left, event.clientY - box.top]; }
  radius() { return Math.min(7, (this.map.clips.length < 500 ? 4.5 : this.map.clips.length < 2000 ? 3.5 : 2.4) * Math.sqrt(this.zoom)); }
  scale(factor, [px, py] = [this.side / 2, this.side / 2]) {
    const zoom = Math.min(60, Math.max(1, this.zoom * factor)), before = (this.side - 2 * MARGIN) * this.zoom, after = (this.side - 2 * MARGIN) * zoom;
    this.x += (px - this.side / 2) * (1 / before - 1 / after); this.y -= (py - this.side / 2) * (1 / before - 1 / after); this.zoom = zoom;
    if (zoom === 1) this.x = this.y = 0.5;
    this.draw();
  }
  whole() { Object.assign(this, {zoom: 1, x: 0.5, y: 0.5}); this.draw(); }
  draw() {
    const ratio = devicePixelRatio || 1, side = this.side, context = this.canvas.getContext("2d"), colour = colours(), r = this.radius();
    if (!side) return;
    this.canvas.width = this.canvas.height = Math.round(side * ratio);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const near = state.chosen < 0 ? [] : data.near[state.chosen];
    for (const faint of [true, false]) this.map.clips.forEach((clip, i) => {
      if (isVisible(clip) === faint) return;
      const [x, y] = this.px(i), label = data.labels[clip];
      if (x < -9 || y < -9 || x > side + 9 || y > side + 9) return;
      context.globalAlpha = faint ? 0.12 : 0.8;
      context.fillStyle = label < 0 ? colour.soft : colour.labels[label % COLOURS];
      outline(context, label < 0 ? "circle" : SHAPES[Math.floor(label / COLOURS) % SHAPES.length], x, y, faint ? r * 0.7 : r);
      context.fill();
    });
    context.globalAlpha = 1;
    if (this.zoom === 1) this.name(context, colour);
    context.strokeStyle = colour.ink;
    for (const [clip, width, size] of [...near.map((clip) => [clip, 1, r + 2.5]), [state.chosen, 2.5, r + 4]]) {
      if (!this.place.has(clip)) continue;
      const [x, y] = this.px(this.place.get(clip));
      context.lineWidth = width; context.beginPath(); context.arc(x, y, size, 0, 2 * Math.PI); context.stroke();
    }
  }
  // Few labels are written where their clips are, at the median, unless one is there already.
  name(context, colour) {
    if (data.names.length > MOST_NAMED || data.names.length < 2) return;
    const taken = [], median = (values) => values.sort((a, b) => a - b)[Math.floor(values.length / 2)];
    context.font = "12px system-ui, sans-serif"; context.textAlign = "center"; context.textBaseline = "middle"; context.lineJoin = "round";
    data.names.forEach((name, label) => {
      const places = this.map.clips.flatMap((clip, i) => data.labels[clip] === label && isVisible(clip) ? [this.px(i)] : []);
      if (!places.length) return;
      const text = name.length > 28 ? `${name.slice(0, 27)}…` : name, half = context.measureText(text).width / 2 + 3;
      const x = Math.min(this.side - half, Math.max(half, median(places.map((p) => p[0])))), middle = median(places.map((p) => p[1]));
      const y = places.length > FEW ? middle : middle < 30 ? middle + 16 : middle - 16; // of few points it would hide one
      if (taken.some(([l, t, r, b]) => x - half < r && x + half > l && y - 8 < b && y + 8 > t)) return;
      taken.push([x - half, y - 8, x + half, y + 8]);
      context.lineWidth = 4; context.strokeStyle = colour.paper; context.strokeText(text, x, y); context.fillStyle = colour.ink; context.fillText(text, x, y);
    });
  }
  nearest([px, py], within) {
    let best = -1, least = within * within;
    this.map.clips.forEach((clip, i) => {
      const [x, y] = this.px(i), d = (x - px) ** 2 + (y - py) ** 2;
      if (d <= least && isVisible(clip)) { least = d; best = clip; }
    });
    return best;
  }
  press(event) { this.pressed = {from: this.at(event), x: this.x, y: this.y, dragged: false}; }
  move(event) {
    const at = this.at(event), pressed = this.pressed;
    if (pressed && event.pointerType === "mouse" && event.buttons && this.zoom > 1) {
      const inner = (this.side - 2 * MARGIN) * this.zoom, dx = at[0] - pressed.from[0], dy = at[1] - pressed.from[1];
      if (Math.hypot(dx, dy) > 4) pressed.dragged = true;
      if (pressed.dragged) { this.x = pressed.x - dx / inner; this.y = pressed.y + dy / inner; this.draw(); return; }
    }
    const clip = event.pointerType === "touch" ? -1 : this.nearest(at, 10);
    this.tip.hidden = clip < 0;
    if (clip < 0) return;
    this.tip.textContent = nameOf(clip);
    const left = at[0] > this.side / 2, low = at[1] > this.side / 2;
    this.tip.style.cssText = `${left ? "right" : "left"}: ${left ? this.side - at[0] + 10 : at[0] + 10}px; ${low ? "bottom" : "top"}: ${low ? this.side - at[1] + 10 : at[1] + 10}px;`;
  }
  release(event) {
    const pressed = this.pressed; this.pressed = null;
    if (!pressed || pressed.dragged) return;
    const clip = this.nearest(this.at(event), event.pointerType === "touch" ? 24 : 12);
    if (clip >= 0) choose(clip, true);
  }
  // The next clip in a direction: near, and rather ahead than aside.
  towards(dx, dy) {
    if (!this.place.has(state.chosen)) return this.map.clips.find(isVisible) ?? -1;
    const [x0, y0] = this.px(this.place.get(state.chosen));
    let best = -1, least = Infinity;
    this.map.clips.forEach((clip, i) => {
      if (clip === state.chosen || !isVisible(clip)) return;
      const [x, y] = this.px(i), ahead = (x - x0) * dx + (y - y0) * dy, aside = Math.abs((x - x0) * dy - (y - y0) * dx);
      if (ahead > 0 && aside <= 1.5 * ahead && ahead + 2 * aside < least) { least = ahead + 2 * aside; best = clip; }
    });
    return best;
  }
  step(by) {
    const clips = this.map.clips.filter(isVisible), i = clips.indexOf(state.chosen);
    return clips.length ? clips[i < 0 ? 0 : (i + by + clips.length) % clips.length] : -1;
  }
  key(event) {
    const arrows = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1]};
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key in arrows) choose(this.towards(...arrows[event.key]), false);
    else if (event.key === "PageDown" || event.key === "PageUp") choose(this.step(event.key === "PageDown" ? 1 : -1), false);
    else if (event.key === "Home") choose(this.map.clips.find(isVisible) ?? -1, false);
    else if (event.key === "Enter" || event.key === " ") { if (state.chosen < 0) choose(this.step(1), true); else toggle(); }
    else if (event.key === "+" || event.key === "=") this.scale(1.5, this.centre());
    else if (event.key === "-") this.scale(1 / 1.5, this.centre());
    else if (event.key === "0") this.whole();
    else return;
    event.preventDefault();
  }
  centre() { return this.place.has(state.chosen) ? this.px(this.place.get(state.chosen)) : undefined; }
  // A chosen clip that lies outside comes to the middle.
  follow() {
    if (!this.place.has(state.chosen)) return;
    const i = this.place.get(state.chosen), [x, y] = this.px(i);
    if (x < 0 || y < 0 || x > this.side || y > this.side) { this.x = this.map.x[i]; this.y = this.map.y[i]; }
  }
}

const audio = one("audio");
const toggle = () => { if (!audio.hidden) { if (audio.paused) play(); else audio.pause(); } };
const play = () => audio.play().catch(() => {}); // a browser may want a click first; the player is there
const clock = (secs) => secs < 60 ? `${secs.toFixed(1)} s` : `${Math.floor(secs / 60)}:${(secs % 60).toFixed(1).padStart(4, "0")} min`;

function choose(clip, isPlayed) {
  if (clip < 0) return;
  state.chosen = clip;
  one(".map-none").hidden = true; one(".map-chosen").hidden = false;
  one(".map-chosen h3").textContent = data.ids[clip];
  const label = labelOf(clip), medium = document.getElementById(`map-clip-${clip}`), held = medium && JSON.parse(medium.textContent);
  const from = data.starts[clip] > 0 ? `, from ${clock(data.starts[clip])}` : "";
  one(".map-about").textContent = `${label ? `${label}, ` : ""}${clock(data.durations[clip])}${from}${held ? "" : ""}`;
  show(one(".map-still"), held && held.frame); show(one(".map-spectrogram"), held && held.spectrogram);
  audio.pause(); audio.hidden = !held;
  if (held) { audio.src = held.sound; audio.setAttribute("aria-label", `${data.ids[clip]} from ${held.start} s on`); if (isPlayed) play(); } else audio.removeAttribute("src");
  silent(clip, held);
  const list = one(".map-near-list"); list.replaceChildren(...data.near[clip].map(button));
  one(".map-near").hidden = !data.near[clip].length;
  document.getElementById("map-status").textContent = `${nameOf(clip)}, clip ${clip + 1} of ${data.ids.length}${held ? "" : ", without sound in this page"}`;
  for (const b of root.querySelectorAll(".map-list button")) b.setAttribute("aria-current", String(Number(b.dataset.clip) === clip));
  views.forEach((view) => { view.follow(); view.draw(); });
}
function show(image, source) { image.hidden = !source; if (source) image.src = source; else image.removeAttribute("src"); }
function silent(clip, held) {
  const place = one(".map-silent"); place.hidden = Boolean(held); place.replaceChildren();
  if (held) return;
  place.append(data.unread[clip] ? `It could not be read again: ${data.unread[clip]} ` : "The sound of this clip is not in the page. ");
  if (data.links[clip]) { const link = document.createElement("a"); link.href = data.links[clip]; link.textContent = "Open its file"; link.target = "_blank"; place.append(link); }
}
function button(clip) {
  const b = document.createElement("button"); b.type = "button"; b.dataset.clip = clip; b.textContent = nameOf(clip);
  b.addEventListener("click", () => choose(clip, true)); return b;
}
function list() {
  state.matching = data.ids.flatMap((_, clip) => isVisible(clip) ? [clip] : []);
  const some = state.matching.slice(0, state.listed);
  one(".map-list").replaceChildren(...some.map((clip) => { const item = document.createElement("li"); const b = button(clip); b.setAttribute("aria-current", String(clip === state.chosen)); item.append(b); return item; }));
  one(".map-count").textContent = `${some.length} of ${state.matching.length}${state.matching.length < data.ids.length ? ` that match, of ${data.ids.length}` : ""}`;
  one(".map-more").hidden = some.length === state.matching.length;
}
const refresh = () => { state.listed = PAGE; list(); views.forEach((view) => view.draw()); };

function legend() {
  const svg = "http://www.w3.org/2000/svg", shapes = {circle: "M7 2a5 5 0 1 0 .01 0z", square: "M2.5 2.5h9v9h-9z", triangle: "M7 1l5.5 10.5h-11z", diamond: "M7 .5L13.5 7 7 13.5.5 7z", cross: "M1.5 5h11v4h-11zM5 1.5h4v11H5z"};
  one(".map-legend").replaceChildren(...data.names.map((name, i) => {
    const item = document.createElement("li"), label = document.createElement("label"), box = document.createElement("input"), mark = document.createElementNS(svg, "svg"), path = document.createElementNS(svg, "path"), text = document.createElement("span"), count = document.createElement("span");
    box.type = "checkbox"; box.checked = true; box.addEventListener("change", () => { shown[i] = box.checked; refresh(); });
    mark.setAttribute("viewBox", "0 0 14 14"); mark.setAttribute("aria-hidden", "true"); path.setAttribute("d", shapes[SHAPES[Math.floor(i / COLOURS) % SHAPES.length]]); path.style.fill = `var(--c${i % COLOURS})`; mark.append(path);
    text.textContent = name; count.textContent = data.counts[i]; count.className = "soft"; label.append(box, mark, text, count); item.append(label); return item;
  }));
}

const views = data.maps.map((map, i) => new View(root.querySelector(`[data-map="${i}"]`), map));
for (const b of root.querySelectorAll("[data-zoom]")) b.addEventListener("click", () => views.forEach((view) => b.dataset.zoom === "all" ? view.whole() : view.scale(b.dataset.zoom === "in" ? 1.5 : 1 / 1.5, view.centre())));
for (const b of root.querySelectorAll("[data-labels]")) b.addEventListener("click", () => { shown.fill(b.dataset.labels === "all"); for (const box of root.querySelectorAll(".map-legend input")) box.checked = b.dataset.labels === "all"; refresh(); });
one("input[type=search]").addEventListener("input", (event) => { state.word = event.target.value.trim().toLowerCase(); refresh(); });
one(".map-more").addEventListener("click", () => { state.listed += PAGE; list(); });
for (const media of ["(prefers-color-scheme: dark)", "print"]) matchMedia(media).addEventListener("change", () => views.forEach((view) => view.draw()));
legend(); list(); views.forEach((view) => view.draw());
root.dataset.drawn = "yes";
globalThis.soundMap = {views, state, data};
})();

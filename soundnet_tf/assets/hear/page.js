// The page: a file or the microphone, to the worker, to what is shown.

const NETWORK = JSON.parse(byId("description").textContent);
const CHANNELS_CANCEL = "Its channels cancel out in their mean, which is silent; hear the loudest "
  + "one by bin/recognize.py --channel=loudest.";
const MOST_BEHIND_SECS = 5; // of live sound, before it is said

const ears = new Ears();
const player = byId("player");
const timeline = new Timeline(byId("timeline"), seek);
const table = new Table(byId("answers"), seek);
let shown = null; // what is heard or was heard last
let microphone = null;

function say(text, isError = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("error", isError);
}

function show(heard) {
  shown = heard;
  stopPlaying();
  byId("results").hidden = false;
  byId("name").textContent = heard.name;
  table.clear();
  timeline.show(heard);
  showMoment(heard, 0);
  progress();
}

// What was heard before is not played on, with a player that nobody sees, into the microphone too.
function stopPlaying() {
  player.pause();
  if (player.src) URL.revokeObjectURL(player.src);
  player.removeAttribute("src");
  player.load(); // till then it has the sound still
  player.hidden = true;
}

function progress() {
  const {secs, expectedSecs} = shown;
  byId("progress").hidden = !(secs < expectedSecs);
  byId("progress").value = expectedSecs ? secs / expectedSecs : 0;
}

// What a piece determined. Live, what is shown follows the newest answer.
function add(heard, piece, isLive) {
  const before = heard.steps.length;
  heard.add(piece);
  progress();
  timeline.changed();
  if (isLive) goTo(heard.secs);
  if (heard.steps.length === before) return;
  table.add(heard);
  if (isLive) say(`${clock(heard.steps.at(-1).secs)} ${sentence(heard.steps.at(-1), 2)}`);
  else goTo(timeline.moment);
}

function finish(heard) {
  heard.expectedSecs = heard.secs;
  table.finish(heard);
  timeline.draw();
  player.src = URL.createObjectURL(heard.wav());
  player.hidden = false;
  progress();
  goTo(0);
  byId("results").setAttribute("aria-busy", "false");
}

// `given`: how many files came with it, of which it is the first.
async function hearFile(file, given) {
  byId("results").setAttribute("aria-busy", "true");
  const stopped = stopMicrophone();
  const turn = new Heard(file.name);
  shown = turn; // before anything is waited for: of two files that come at once the later counts
  player.pause();
  say(`Reading ${file.name} …`);
  try {
    await stopped;
    const sound = await openSound(file);
    await ears.ready;
    if (shown !== turn) return;
    turn.expectedSecs = sound.secs;
    show(turn);
    const began = performance.now();
    say(`Hearing ${file.name} …`);
    await ears.begin(sound.rate);
    for await (const samples of sound.pieces()) {
      const piece = await ears.hear(samples);
      if (shown !== turn) return;
      add(turn, piece, false);
    }
    const last = await ears.finish();
    if (shown !== turn) return;
    add(turn, last, false);
    finish(turn);
    const others = given > 1 ? ` Of the ${given} files only the first was heard.` : "";
    const told = sound.isCancelled() ? CHANNELS_CANCEL : summary(turn, performance.now() - began);
    say(told + others);
  } catch (error) {
    if (shown === turn) fail(`${file.name}: ${error.message}`);
  }
}

function summary(heard, milliseconds) {
  const short = heard.isLooped()
    ? ` It is shorter than ${clock(NETWORK.minimum_samples / NETWORK.sample_rate)}, so it was `
      + "repeated and has one answer."
    : "";
  const times = Math.round(heard.secs / milliseconds * 1000);
  const speed = times > 1 ? `, ${times} times as fast as it plays` : "";
  return `Heard ${clock(heard.secs)}${speed}.${short}`;
}

function fail(text) {
  shown = null;
  stopPlaying();
  byId("progress").hidden = true;
  byId("results").hidden = true;
  say(text, true);
}

async function startMicrophone() {
  const turn = new Heard(`Microphone, ${new Date().toLocaleTimeString()}`);
  byId("microphone").disabled = true; // while the browser asks whether it may
  try {
    await ears.ready;
    microphone = await openMicrophone((samples) => {
      if (shown === turn && microphone) hearLive(turn, samples);
    }, stopMicrophone);
    turn.sent = 0;
    show(turn);
    byId("results").setAttribute("aria-busy", "true");
    await ears.begin(microphone.rate);
    byId("microphone").textContent = "Stop listening";
    const secs = NETWORK.minimum_samples / NETWORK.sample_rate;
    say(`Listening. The first answer comes after ${Math.ceil(secs + NETWORK.hop_secs)} seconds.`);
  } catch (error) {
    const isRefused = error.name === "NotAllowedError";
    // A file that was heard, or is heard meanwhile, stays.
    say(isRefused ? "The browser does not allow this page to use the microphone." : error.message,
      true);
  } finally {
    byId("microphone").disabled = false;
  }
}

async function hearLive(turn, samples) {
  turn.sent += samples.length / microphone.rate;
  try {
    const piece = await ears.hear(samples);
    if (shown !== turn) return;
    add(turn, piece, true);
    const behind = Math.round(turn.sent - turn.secs);
    if (behind > MOST_BEHIND_SECS) say(`This computer is ${behind} seconds behind.`, true);
  } catch (error) {
    if (shown === turn) fail(error.message);
  }
}

async function stopMicrophone() {
  if (!microphone) return;
  const {stop} = microphone, turn = shown;
  microphone = null;
  byId("microphone").textContent = "Listen to the microphone";
  await stop();
  if (!turn || shown !== turn) return; // by now the worker hears a file
  try {
    const last = await ears.finish();
    if (shown !== turn) return;
    add(turn, last, true);
    finish(turn);
    say(summary(turn, Infinity));
  } catch (error) {
    if (shown === turn) fail(error.message);
  }
}

// The line, the answer beside it and the player go together.
function goTo(secs) {
  timeline.goTo(secs);
  showMoment(shown, secs);
}

function seek(secs) {
  if (!shown) return;
  if (player.src) player.currentTime = Math.min(secs, player.duration || secs);
  goTo(secs);
}

function follow() {
  if (!shown || player.paused) return;
  goTo(player.currentTime);
  requestAnimationFrame(follow);
}

// The next sound may come before the player has begun.
function ignoreAbort(error) {
  if (error.name !== "AbortError") throw error;
}

function given(files) {
  if (!files.length) say("That was no file.", true);
  else hearFile(files[0], files.length);
}

player.addEventListener("play", follow);
player.addEventListener("seeked", () => shown && goTo(player.currentTime));
byId("timeline").addEventListener("keydown", (event) => {
  if (event.key !== " " || !player.src) return;
  event.preventDefault();
  if (player.paused) player.play().catch(ignoreAbort);
  else player.pause();
});
byId("file").addEventListener("change", ({target}) => target.files.length && given(target.files));
byId("microphone").addEventListener("click", () => (
  microphone ? stopMicrophone() : startMicrophone()));
for (const name of ["dragenter", "dragover", "dragleave", "drop"]) {
  addEventListener(name, (event) => {
    event.preventDefault();
    document.body.classList.toggle("over", name === "dragenter" || name === "dragover");
    if (name === "drop") given(event.dataTransfer.files);
  });
}
ears.ready.then(() => shown || say("Ready."), (error) => fail(error.message));

// The worker that hears, as the page speaks with it.

// The code of what runs elsewhere than in the page: of some of its scripts, by their names.
function codeOf(...names) {
  return names.map((name) => byId(`${name}_script`).textContent).join("");
}

class Ears {
  // Takes the network out of the page, which need not keep it twice.
  constructor() {
    const parts = {};
    for (const id of ["kernels", "biases"]) {
      const element = byId(id);
      parts[id] = element.textContent.trim();
      element.remove();
    }
    const code = codeOf("network", "resample", "spectrum", "hearing", "worker");
    const address = URL.createObjectURL(new Blob([code], {type: "text/javascript"}));
    this.worker = new Worker(address);
    this.id = 0; // of the sound that is heard
    this.waiting = []; // {resolve, reject} of pieces that are not answered, in order
    this.worker.onmessage = ({data}) => this.answered(data);
    this.worker.onerror = (event) => this.answered({id: this.id, error: event.message});
    this.ready = this.ask({network: NETWORK, ...parts});
  }

  answered({id, heard, error}) {
    if (id !== this.id) return; // of a sound that was given up
    const {resolve, reject} = this.waiting.shift();
    if (error) reject(new Error(error));
    else resolve(heard);
  }

  // A new sound, at its own rate; what is not answered of the one before will not be.
  begin(rate) {
    this.id += 1;
    this.waiting = [];
    return this.ask({rate});
  }

  // The next samples of one channel, to what they determine (see hearing.js).
  hear(samples) {
    return this.ask({samples});
  }

  // The end of the sound, to what that determines.
  finish() {
    return this.ask({isEnd: true});
  }

  ask(message) {
    this.worker.postMessage({id: this.id, ...message});
    return new Promise((resolve, reject) => this.waiting.push({resolve, reject}));
  }
}

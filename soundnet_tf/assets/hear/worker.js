// The worker that hears while the page stays awake. Messages: {network, kernels, biases}, once;
// {id, rate} begins a sound; {id, samples} and at last {id, isEnd: true} give what they determine.
// Each is answered by {id, heard} or {id, error}.

let network, weights, hearing;

function answer(data) {
  if (data.network) {
    network = data.network;
    weights = decodeWeights(network, data.kernels, data.biases);
  } else if (data.rate !== undefined) {
    hearing = new Hearing(network, weights, data.rate);
  } else {
    return data.isEnd ? hearing.finish() : hearing.push(data.samples);
  }
  return null;
}

self.onmessage = ({data}) => {
  try {
    self.postMessage({id: data.id, heard: answer(data)});
  } catch (error) {
    self.postMessage({id: data.id, error: error.message});
  }
};

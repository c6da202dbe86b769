// The worker that hears while the page stays awake. Messages: {network, kernels, biases}, once;
// {id, rate} begins a sound; {id, samples} and at last {id, isEnd: true} are answered by
// {id, heard}. An error is answered by {id, error}.

let network, weights, hearing, id;

self.onmessage = ({data}) => {
  try {
    if (data.network) {
      network = data.network;
      weights = decodeWeights(network, data.kernels, data.biases);
      self.postMessage({isReady: true});
    } else if (data.rate) {
      id = data.id;
      hearing = new Hearing(network, weights, data.rate);
    } else if (data.id === id) {
      const heard = data.isEnd ? hearing.finish() : hearing.push(data.samples);
      self.postMessage({id, heard});
    }
  } catch (error) {
    self.postMessage({id: data.id, error: error.message});
  }
};

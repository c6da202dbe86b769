// What the microphone hears, at its own rate and as it is: what browsers do for telephony (echo,
// noise, level) would change it.

// Calls hear(samples: Float32Array) with every block, and ended() if the microphone is unplugged;
// gives {rate, stop()}.
async function openMicrophone(hear, ended) {
  if (!navigator.mediaDevices) {
    throw new Error("this browser lets no page from a file use the microphone; another one may");
  }
  const stream = await navigator.mediaDevices.getUserMedia({
    audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false},
  });
  for (const track of stream.getTracks()) track.onended = ended;
  const context = new AudioContext();
  const stop = () => {
    for (const track of stream.getTracks()) track.stop();
    return context.close();
  };
  try {
    // Of a page from the disk Chromium takes no Blob for this, as it does for workers.
    const code = encodeURIComponent(codeOf("microphone_worklet"));
    await context.audioWorklet.addModule(`data:text/javascript,${code}`);
  } catch (error) {
    await stop();
    throw error;
  }
  const listener = new AudioWorkletNode(context, "listen", {numberOfOutputs: 0});
  listener.port.onmessage = ({data}) => hear(data);
  context.createMediaStreamSource(stream).connect(listener);
  await context.resume();
  return {rate: context.sampleRate, stop};
}

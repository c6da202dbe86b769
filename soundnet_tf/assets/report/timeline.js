"use strict";
// A line moves over the timeline of what plays; a click on a timeline sets the player there.
{
  const playing = new Set();
  const place = (recording) => {
    const timeline = recording.querySelector(".timeline"), track = timeline.querySelector(".waveform");
    const begin = timeline.getBoundingClientRect().left, box = track.getBoundingClientRect();
    return {timeline, left: box.left - begin, width: box.width, begin: box.left};
  };
  const draw = (recording) => {
    const {timeline, left, width} = place(recording), cursor = timeline.querySelector(".cursor");
    const share = recording.querySelector("audio").currentTime / Number(recording.dataset.secs);
    cursor.hidden = false;
    cursor.style.left = `${left + Math.min(1, share) * width}px`;
  };
  const move = () => {
    playing.forEach(draw);
    if (playing.size) requestAnimationFrame(move);
  };
  for (const recording of document.querySelectorAll(".recording")) {
    const audio = recording.querySelector("audio");
    audio.addEventListener("play", () => {
      for (const other of document.querySelectorAll("audio")) if (other !== audio) other.pause();
      playing.add(recording);
      move();
    });
    for (const end of ["pause", "ended"]) audio.addEventListener(end, () => playing.delete(recording));
    audio.addEventListener("seeked", () => draw(recording));
    recording.querySelector(".timeline").addEventListener("click", (event) => {
      const {begin, width} = place(recording), share = (event.clientX - begin) / width;
      if (share < 0 || share > 1) return;
      const secs = Math.min(share * Number(recording.dataset.secs), Number(recording.dataset.soundSecs));
      const seek = () => { audio.currentTime = secs; };
      if (audio.readyState) seek();
      else { audio.addEventListener("loadedmetadata", seek, {once: true}); audio.preload = "auto"; audio.load(); }
    });
  }
  addEventListener("resize", () => document.querySelectorAll(".recording").forEach((one) => { if (!one.querySelector(".cursor").hidden) draw(one); }));
}

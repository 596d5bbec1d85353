// The gallery: copying code, and captions that work from disk, where a <track> file may not be read.
(() => {
  for (const button of document.querySelectorAll(".copy")) {
    button.addEventListener("click", async () => {
      const code = button.parentElement.querySelector("code");
      try {
        await navigator.clipboard.writeText(code.textContent);
      } catch {
        getSelection().selectAllChildren(code);
        document.execCommand("copy");
      }
      button.textContent = "copied";
      setTimeout(() => { button.textContent = "copy"; }, 1500);
    });
  }
  for (const script of document.querySelectorAll("script.cues")) {
    const track = script.parentElement.querySelector("video").addTextTrack("captions", "English", "en");
    for (const [start, end, text] of JSON.parse(script.textContent)) track.addCue(new VTTCue(start, end, text));
    track.mode = "hidden"; // the video shows its captions itself; a reader may turn these on as well
  }
  // The steps stand on the page's ground, at the beat where the reader left them.
  const root = document.documentElement;
  for (const frame of document.querySelectorAll("iframe.steps")) {
    const tell = () => frame.contentWindow.postMessage({ ground: root.dataset.ground }, "*");
    frame.addEventListener("load", tell);
    new MutationObserver(tell).observe(root, { attributeFilter: ["data-ground"] });
    tell();
  }
})();

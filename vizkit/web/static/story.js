// The stepper: one beat at a time, by button, key, list or address.
(() => {
  const root = document.documentElement;
  const beats = [...document.querySelectorAll(".beat")];
  const [previous, next, jump, progress, spoken] = ["previous", "next", "jump", "progress", "spoken"].map((id) => document.getElementById(id));
  let now = -1;
  let shown = -Infinity;

  const show = (index, keep) => {
    index = Math.max(0, Math.min(beats.length - 1, index));
    if (index === now) return;
    follow(beats[now], beats[index]);
    root.classList.toggle("quick", performance.now() - shown < 400); // who leafs through sees each beat at once
    shown = performance.now();
    beats.forEach((beat, at) => { beat.classList.toggle("now", at === index); beat.inert = at !== index; });
    now = index;
    previous.disabled = index === 0;
    next.disabled = index === beats.length - 1;
    jump.value = beats[index].id;
    progress.value = index + 1;
    spoken.textContent = beats[index].querySelector(".caption").textContent;
    if (!keep) history.replaceState(null, "", "#" + beats[index].id);
  };

  // A picture that the reader has scrolled stays where it is in the next beat.
  const follow = (from, to) => {
    for (const panel of from?.querySelectorAll(".panel") ?? []) {
      const same = [...to.querySelectorAll(".panel")].find((other) => other.dataset.panel === panel.dataset.panel);
      if (same) same.scrollLeft = panel.scrollLeft;
    }
  };
  const fromAddress = () => beats.findIndex((beat) => beat.id === decodeURIComponent(location.hash.slice(1)));

  root.classList.add("stepping");
  root.classList.toggle("embedded", new URLSearchParams(location.search).has("embedded"));
  document.getElementById("steps").hidden = false;
  previous.addEventListener("click", () => show(now - 1));
  next.addEventListener("click", () => show(now + 1));
  jump.addEventListener("change", () => show(beats.findIndex((beat) => beat.id === jump.value)));
  addEventListener("hashchange", () => show(fromAddress()));
  addEventListener("keydown", (event) => {
    if (event.target === jump || event.ctrlKey || event.metaKey || event.altKey) return;
    const scrolled = event.target.closest?.(".panel, .equation");
    if (scrolled && event.key.startsWith("Arrow") && scrolled.scrollWidth > scrolled.clientWidth) return;
    const to = { ArrowRight: now + 1, PageDown: now + 1, ArrowLeft: now - 1, PageUp: now - 1, Home: 0, End: beats.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(to);
  });
  show(Math.max(0, fromAddress()), true);

  // Pointing at a number marks the same number wherever the beat shows it.
  const mark = (event, on) => {
    const name = event.target.closest?.("[data-quantity]")?.dataset.quantity;
    if (!name) return;
    const beat = event.target.closest(".beat");
    beat?.querySelectorAll("[data-quantity]").forEach((other) => { if (other.dataset.quantity === name) other.classList.toggle("seen", on); });
  };
  document.addEventListener("pointerover", (event) => mark(event, true));
  document.addEventListener("pointerout", (event) => mark(event, false));
})();

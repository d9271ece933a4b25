// Routes: #/ the overview, #/latents?… its table, #/latent/123 one latent; keys; the jump field.

let view = null;

function route() {
  const hash = location.hash || "#/";
  tip.hidden = true;
  const latent = hash.match(/^#\/latent\/(\d+)$/);
  if (latent) {
    forgetCharts();
    view = "latent";
    const number = Number(latent[1]);
    document.title = `Latent ${number} · ${head.title}`;
    showLatent(main, number);
    scrollTo(0, 0);
    main.querySelector("h1")?.focus({ preventScroll: true });
  } else {
    const toTable = hash.startsWith("#/latents");
    if (toTable) readTableQuery(hash.split("?")[1] ?? "");
    document.title = head.title;
    if (view !== "overview" || toTable) {
      forgetCharts();
      view = "overview";
      showOverview(main);
      main.insertAdjacentHTML("beforeend", '<section id="latents" class="latents"></section>');
      showTable(main.querySelector("#latents"));
    }
    if (toTable) document.getElementById("latents").scrollIntoView(); else scrollTo(0, 0);
  }
  for (const link of document.querySelectorAll(".bar nav a")) {
    const isHere = link.hash === "#/" ? view === "overview" && !hash.startsWith("#/latents") : hash.startsWith("#/latent");
    link.toggleAttribute("aria-current", isHere);
  }
}

addEventListener("hashchange", route);

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea")) return;
  const step = { j: 1, ArrowRight: 1, k: -1, ArrowLeft: -1 }[event.key];
  if (view === "latent" && step) {
    const next = neighbourInOrder(Number(location.hash.split("/")[2]), step);
    if (next !== undefined) location.hash = `#/latent/${next}`;
  } else if (view === "latent" && event.key === "Escape") {
    location.hash = tableQuery();
  } else if (event.key === "/") {
    event.preventDefault();
    if (view === "latent") location.hash = tableQuery();
    setTimeout(() => document.querySelector('input[name="q"]')?.focus());
  }
});

document.getElementById("jump").addEventListener("submit", (event) => {
  event.preventDefault();
  const field = document.getElementById("jump-number");
  const number = field.value.replace(/\D/g, "");
  if (number) location.hash = `#/latent/${Number(number)}`;
  field.value = "";
  field.blur();
});

updateRows();
route();

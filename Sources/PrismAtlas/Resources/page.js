// What every page begins with.

/** The JSON of a script element. */
const embedded = (id) => JSON.parse(document.getElementById(id).textContent);

const head = embedded("head");
const main = document.getElementById("main");
document.getElementById("brand-title").textContent = head.title;

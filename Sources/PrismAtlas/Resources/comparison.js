// A page without latents: only what stands above them.

main.classList.add("comparison");
showOverview(main);

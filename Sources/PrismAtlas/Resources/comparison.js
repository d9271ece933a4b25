// A page without latents: only what stands above them.

showOverview(main);

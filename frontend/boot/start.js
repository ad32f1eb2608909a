// Starts the WebAssembly. A file of its own, so that the page needs no inline script and keeps a strict policy.
const { script, wasm } = document.querySelector("meta[name=start]").dataset;
const { default: start } = await import(script);
await start({ module_or_path: wasm });

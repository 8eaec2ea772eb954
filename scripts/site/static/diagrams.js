// Draws the diagrams of a page in the colours of the reader's browser.
mermaid.initialize({
  startOnLoad: true,
  theme: matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "neutral",
});

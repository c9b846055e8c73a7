"""Our figures as static SVG: what stands where no plotly.js may run."""

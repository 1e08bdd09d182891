"""What scripts/bench measures: one module for each target of design/performance.md, and the parts they share."""

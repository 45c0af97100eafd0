//! What the outside may ask of the core: commands, queries, task handlers and the worker that runs them.

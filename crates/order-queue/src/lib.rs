//! Dispatch of due tasks to workers: the in-process twin.

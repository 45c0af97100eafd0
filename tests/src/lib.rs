//! The whole service as a black box.

//! The outside services over HTTP, behind the domain's ports.

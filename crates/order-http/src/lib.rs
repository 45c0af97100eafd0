//! The REST API: routes, tokens, problem+json.

//! Pages of the documentation that are generated from the code.

use std::path::{Path, PathBuf};

/// Where pages are.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs")
}

/// A page as it is in the repository; nothing, where there is none.
pub fn page(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap_or_default()
}

/// A page is what the code of a crate says it is. `UPDATE_DOCS=1 cargo test -p CRATE` writes it.
///
/// # Panics
/// When it is not.
pub fn is_up_to_date(of: &str, name: &str, expected: &str) {
    if std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1") {
        std::fs::write(folder().join(name), expected).unwrap();
        return;
    }
    let text = page(name);
    let differs = text.lines().zip(expected.lines()).position(|(is, should)| is != should);
    let line = differs.map_or("at its end".to_owned(), |line| format!("from line {} on", line + 1));
    assert!(
        text == expected,
        "docs/{name} is not what the code says, {line}. The contract has changed: if it was meant to, and others can read \
         it still, run `UPDATE_DOCS=1 cargo test -p {of}` and look at what git shows."
    );
}

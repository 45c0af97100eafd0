//! Processes that believe in another time, by libfaketime.

use std::path::PathBuf;

/// The library, where it is installed.
pub fn libfaketime() -> Option<PathBuf> {
    let below = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|folder| folder.path());
    let folders = below.chain([PathBuf::from("/usr/lib")]);
    // The one for processes with threads.
    folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1")).find(|path| path.exists())
}

/// What an instance is started with whose clock is so many minutes ahead, or behind: nothing where the library is missing.
pub fn wrong_by(minutes: i64) -> Vec<(&'static str, String)> {
    let Some(library) = libfaketime().filter(|_| minutes != 0) else { return Vec::new() };
    vec![
        ("LD_PRELOAD", library.display().to_string()),
        ("FAKETIME", format!("{minutes:+}m")),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
    ]
}

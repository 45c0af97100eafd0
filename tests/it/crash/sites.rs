//! Which sites there are: the source says so. A new one is covered by being there.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Every site, as `order_faults::point!` and `order_faults::around!` name them in the crates.
pub fn all() -> BTreeSet<String> {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("crates");
    let mut sites = BTreeSet::new();
    for folder in fs::read_dir(crates).unwrap() {
        let folder = folder.unwrap();
        // Where the two are made, their names in the documentation are no sites.
        if folder.file_name() != "order-faults" {
            read(&folder.path().join("src"), &mut sites);
        }
    }
    sites
}

fn read(folder: &Path, sites: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read(&path, sites);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            sites.extend(named(&text, "point!(").map(str::to_owned));
            sites.extend(named(&text, "around!(").flat_map(|name| [format!("{name}.before"), format!("{name}.after")]));
        }
    }
}

/// The names that follow a macro; its formatting may put them on the next line.
fn named<'a>(text: &'a str, called: &str) -> impl Iterator<Item = &'a str> {
    text.split(called).skip(1).filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next())
}

//! No crate keeps state of the whole process, but for the few values that are listed here.

use std::fs;

use lattice_lock_tests::{Test, Workspace, rust_files, test};
use quote::ToTokens;
use syn::visit::{self, Visit};
use syn::{ItemMod, ItemStatic, Macro};

/// What may be shared by the whole process: the crate, the name, and why it harms nobody. A value that can
/// change is also watched in `state.rs`, and `docs/testing/reset_methods.md` says how to reset it.
const SHARED: [(&str, &str, &str); 1] = [(
    "lattice-lock-config",
    "GLOBAL",
    "asked for by the host; reset_global() forgets it",
)];

/// Types through which a static changes.
const CELLS: [&str; 10] = [
    "ArcSwap",
    "Atomic",
    "Cell",
    "DashMap",
    "Lazy",
    "Mutex",
    "Notify",
    "Once",
    "RwLock",
    "Semaphore",
];

pub(crate) fn tests() -> Vec<Test> {
    vec![
        test!(every_shared_value_is_listed),
        test!(every_listed_value_exists),
        test!(a_shared_value_is_seen_wherever_it_stands),
    ]
}

fn every_shared_value_is_listed() {
    for (package, name) in shared_values() {
        let is_listed = SHARED
            .iter()
            .any(|(crate_, known, _)| *crate_ == package && *known == name);
        assert!(is_listed, "{package} shares {name} with the whole process");
    }
}

fn every_listed_value_exists() {
    let shared = shared_values();
    for (package, name, _) in SHARED {
        assert!(
            shared.contains(&(package.to_owned(), name.to_owned())),
            "{package} has no {name}"
        );
    }
}

fn a_shared_value_is_seen_wherever_it_stands() {
    let check = |source: &str, expected: &[&str]| assert_eq!(names(source), expected, "{source}");
    check("static A: Mutex<u8> = Mutex::new(0);", &["A"]);
    check(
        "fn f() { static B: std::sync::OnceLock<u8> = std::sync::OnceLock::new(); }",
        &["B"],
    );
    check(
        "mod m { pub static C: AtomicU64 = AtomicU64::new(0); }",
        &["C"],
    );
    check(
        "thread_local! { static D: Cell<u8> = Cell::new(0); }",
        &["thread_local"],
    );
    check("static E: &str = \"Mutex\"; const F: u8 = 0;", &[]);
    check(
        "#[cfg(test)] mod tests { static G: Mutex<u8> = Mutex::new(0); }",
        &[],
    );
}

fn shared_values() -> Vec<(String, String)> {
    let workspace = Workspace::read();
    let in_crate = |folder: &std::path::Path| {
        let files = rust_files(&folder.join("src"));
        let sources = files
            .iter()
            .map(|file| fs::read_to_string(file).expect("a source can be read"));
        sources
            .flat_map(|source| names(&source))
            .collect::<Vec<_>>()
    };
    let named = workspace.crates().flat_map(|package| {
        in_crate(&package.folder)
            .into_iter()
            .map(|name| (package.name.clone(), name))
    });
    named.collect()
}

fn names(source: &str) -> Vec<String> {
    let mut statics = Statics(Vec::new());
    statics.visit_file(&syn::parse_file(source).expect("what compiles can be parsed"));
    statics.0
}

/// Collects the statics that can change.
struct Statics(Vec<String>);

impl Visit<'_> for Statics {
    fn visit_item_mod(&mut self, module: &ItemMod) {
        let is_test = |attribute: &syn::Attribute| {
            attribute.path().is_ident("cfg")
                && attribute
                    .meta
                    .to_token_stream()
                    .to_string()
                    .contains("test")
        };
        if !module.attrs.iter().any(is_test) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_static(&mut self, item: &ItemStatic) {
        let ty = item.ty.to_token_stream().to_string();
        if CELLS.iter().any(|cell| ty.contains(cell)) {
            self.0.push(item.ident.to_string());
        }
    }

    fn visit_macro(&mut self, item: &Macro) {
        if item
            .path
            .segments
            .last()
            .is_some_and(|segment| segment.ident == "thread_local")
        {
            self.0.push("thread_local".to_owned());
        }
    }
}

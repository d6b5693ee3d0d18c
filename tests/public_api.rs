//! No public item shows a type of a heavy dependency, unless a feature of its own turns it on.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use lattice_lock_tests::{Test, Workspace, test};
use quote::ToTokens;
use syn::{Attribute, Field, Fields, ImplItem, Item, ItemImpl, TraitItem, UseTree, Visibility};

/// Crates that an application must be able to replace without noticing.
const HEAVY: [&str; 7] = [
    "hyper",
    "reqwest",
    "rustls",
    "sea_orm",
    "sea_orm_migration",
    "sea_query",
    "sqlx",
];

pub(crate) fn tests() -> Vec<Test> {
    vec![
        test!(no_public_item_shows_a_heavy_type),
        test!(a_shown_type_is_seen_however_it_is_named),
        test!(what_is_private_or_behind_a_feature_may_use_it),
    ]
}

fn no_public_item_shows_a_heavy_type() {
    for package in Workspace::read().crates() {
        let mut modules = Vec::new();
        read_modules(&package.folder.join("src/lib.rs"), &mut modules);
        let leaks = leaks(&modules);
        assert!(leaks.is_empty(), "{}: {leaks:#?}", package.name);
    }
}

fn a_shown_type_is_seen_however_it_is_named() {
    let check = |source: &str| assert!(!leaks_of(source).is_empty(), "{source}");
    check("pub fn client() -> reqwest::Client { todo!() }");
    check("use reqwest::Client; pub struct Wire { pub client: Client }");
    check("use reqwest::{Client as Http, Url}; pub fn open(http: &Http) {}");
    check("use sea_orm::*;");
    check("pub use sea_orm::DatabaseConnection;");
    check("pub enum Failure { Database(sea_orm::DbErr) }");
    check("pub trait Open { fn open(&self, pool: sqlx::SqlitePool); }");
    check("pub struct Wire; impl Wire { pub fn http(&self) -> &reqwest::Client { todo!() } }");
    check("pub struct Failure; impl From<reqwest::Error> for Failure {}");
    check("pub type Pool = sqlx::SqlitePool;");
    check("pub mod inner { pub fn client() -> reqwest::Client { todo!() } }");
    check("use reqwest as http; pub fn client() -> http::Client { todo!() }");
}

fn what_is_private_or_behind_a_feature_may_use_it() {
    let check = |source: &str| assert_eq!(leaks_of(source), [""; 0], "{source}");
    check("pub struct Wire { client: reqwest::Client }");
    check("pub(crate) fn client() -> reqwest::Client { todo!() }");
    check("pub fn send() { let client = reqwest::Client::new(); }");
    check("struct Migration; impl sea_orm_migration::MigrationTrait for Migration {}");
    check(r#"#[cfg(feature = "sqlite")] pub fn pool() -> sqlx::SqlitePool { todo!() }"#);
    check(
        r#"#[cfg(feature = "sqlite")] mod sqlite { use sea_orm::*; pub fn f(c: DatabaseConnection) {} }"#,
    );
    check("#[cfg(test)] mod tests { pub fn client() -> reqwest::Client { todo!() } }");
}

fn leaks_of(source: &str) -> Vec<String> {
    leaks(&[syn::parse_file(source).expect("the example is Rust").items])
}

/// Reads a file and the modules that it declares, except those that a feature or a test turns on.
fn read_modules(file: &Path, modules: &mut Vec<Vec<Item>>) {
    let source = fs::read_to_string(file).expect("a declared module has a file");
    let items = syn::parse_file(&source)
        .expect("what compiles can be parsed")
        .items;
    for item in &items {
        let Item::Mod(module) = item else { continue };
        if module.content.is_none() && !is_gated(&module.attrs) {
            read_modules(&module_file(file, &module.ident.to_string()), modules);
        }
    }
    modules.push(items);
}

fn module_file(parent: &Path, name: &str) -> PathBuf {
    let is_root = parent
        .file_name()
        .is_some_and(|file| file == "lib.rs" || file == "mod.rs");
    let folder = if is_root {
        parent.with_file_name("")
    } else {
        parent.with_extension("")
    };
    let flat = folder.join(format!("{name}.rs"));
    if flat.exists() {
        flat
    } else {
        folder.join(name).join("mod.rs")
    }
}

fn leaks(modules: &[Vec<Item>]) -> Vec<String> {
    let public: BTreeSet<String> = modules.iter().flatten().filter_map(public_type).collect();
    modules
        .iter()
        .flat_map(|items| leaks_in(items, &public))
        .collect()
}

/// The name of a type that is public.
fn public_type(item: &Item) -> Option<String> {
    let (visibility, name) = match item {
        Item::Struct(item) => (&item.vis, &item.ident),
        Item::Enum(item) => (&item.vis, &item.ident),
        Item::Trait(item) => (&item.vis, &item.ident),
        Item::Type(item) => (&item.vis, &item.ident),
        _ => return None,
    };
    is_public(visibility).then(|| name.to_string())
}

fn leaks_in(items: &[Item], public: &BTreeSet<String>) -> Vec<String> {
    let mut heavy: BTreeSet<String> = HEAVY.iter().map(ToString::to_string).collect();
    for item in items {
        if let Item::Use(item) = item
            && !is_gated(&item.attrs)
        {
            imports(&item.tree, false, &mut heavy);
        }
    }
    let shows = |shown: &String| idents(shown).any(|ident| heavy.contains(ident));
    let mut leaks: Vec<String> = items
        .iter()
        .flat_map(|item| surface(item, public))
        .filter(shows)
        .collect();
    // What a glob brings in has no name that could be looked for.
    leaks.extend(
        heavy
            .contains("*")
            .then(|| "a glob import of a heavy crate".to_owned()),
    );
    for item in items {
        if let Item::Mod(module) = item
            && !is_gated(&module.attrs)
            && let Some((_, items)) = &module.content
        {
            leaks.extend(leaks_in(items, public));
        }
    }
    leaks
}

/// Adds the names under which a heavy crate's items are known after this import.
fn imports(tree: &UseTree, is_heavy: bool, names: &mut BTreeSet<String>) {
    let is_crate = |name: &syn::Ident| is_heavy || HEAVY.iter().any(|heavy| name == heavy);
    match tree {
        UseTree::Path(path) => imports(&path.tree, is_crate(&path.ident), names),
        UseTree::Group(group) => {
            group
                .items
                .iter()
                .for_each(|tree| imports(tree, is_heavy, names));
        }
        UseTree::Name(name) if is_crate(&name.ident) => {
            names.insert(name.ident.to_string());
        }
        UseTree::Rename(name) if is_crate(&name.ident) => {
            names.insert(name.rename.to_string());
        }
        UseTree::Glob(_) if is_heavy => {
            names.insert("*".to_owned());
        }
        UseTree::Name(_) | UseTree::Rename(_) | UseTree::Glob(_) => {}
    }
}

/// What a user of the crate sees of an item, as text.
fn surface(item: &Item, public: &BTreeSet<String>) -> Vec<String> {
    match item {
        Item::Fn(item) if is_shown(&item.vis, &item.attrs) => vec![text(&item.sig)],
        Item::Struct(item) if is_shown(&item.vis, &item.attrs) => {
            let fields = item
                .fields
                .iter()
                .filter(|field| is_shown(&field.vis, &field.attrs));
            fields
                .map(|field| text(&field.ty))
                .chain([text(&item.generics)])
                .collect()
        }
        Item::Enum(item) if is_shown(&item.vis, &item.attrs) => item
            .variants
            .iter()
            .flat_map(|variant| types(&variant.fields))
            .collect(),
        Item::Trait(item) if is_shown(&item.vis, &item.attrs) => item
            .items
            .iter()
            .map(promise)
            .chain([text(&item.supertraits)])
            .collect(),
        Item::Type(item) if is_shown(&item.vis, &item.attrs) => vec![text(&item.ty)],
        Item::Const(item) if is_shown(&item.vis, &item.attrs) => vec![text(&item.ty)],
        Item::Static(item) if is_shown(&item.vis, &item.attrs) => vec![text(&item.ty)],
        Item::Use(item) if is_shown(&item.vis, &item.attrs) => vec![text(&item.tree)],
        Item::Impl(item) if !is_gated(&item.attrs) => implementation(item, public),
        _ => Vec::new(),
    }
}

fn types(fields: &Fields) -> Vec<String> {
    fields.iter().map(|Field { ty, .. }| text(ty)).collect()
}

fn promise(item: &TraitItem) -> String {
    match item {
        TraitItem::Fn(function) => text(&function.sig),
        other => text(other),
    }
}

/// The public functions of a type's own, or the traits that a public type implements.
fn implementation(item: &ItemImpl, public: &BTreeSet<String>) -> Vec<String> {
    let own = item.items.iter().filter_map(|item| match item {
        ImplItem::Fn(function) => {
            is_shown(&function.vis, &function.attrs).then(|| text(&function.sig))
        }
        ImplItem::Type(associated) => Some(text(&associated.ty)),
        _ => None,
    });
    let implementer = text(&item.self_ty);
    let is_public = idents(&implementer).any(|ident| public.contains(ident));
    match &item.trait_ {
        Some(_) if !is_public => Vec::new(),
        Some((path, _)) => own.chain([text(path)]).collect(),
        None => own.collect(),
    }
}

fn is_shown(visibility: &Visibility, attributes: &[Attribute]) -> bool {
    is_public(visibility) && !is_gated(attributes)
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Whether a feature or a test must be turned on first.
fn is_gated(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("cfg"))
        .any(|attribute| {
            let condition = text(&attribute.meta);
            idents(&condition).any(|ident| ident == "feature" || ident == "test")
        })
}

fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}

fn idents(text: &str) -> impl Iterator<Item = &str> {
    text.split(|letter: char| letter != '_' && !letter.is_alphanumeric())
        .filter(|ident| !ident.is_empty())
}

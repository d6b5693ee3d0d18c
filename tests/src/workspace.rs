use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use serde_json::Value;

/// The workspace as `cargo metadata` shows it, and its files.
#[derive(Clone, Debug)]
pub struct Workspace {
    root: PathBuf,
    packages: Vec<Package>,
}

/// One member of the workspace.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Package {
    /// The name.
    pub name: String,
    /// The folder of its manifest.
    pub folder: PathBuf,
    /// What it depends on, each as often as its manifest says.
    pub dependencies: Vec<Dependency>,
    /// The names of its features, without the default's.
    pub features: Vec<String>,
    /// The names of its declared examples.
    pub examples: Vec<String>,
}

/// One line of a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Dependency {
    /// The name of the package.
    pub name: String,
    /// Where it is declared.
    pub section: Section,
    /// Whether a version is asked for, and not just a path.
    pub has_version: bool,
    /// Whether only a feature turns it on.
    pub is_optional: bool,
}

/// Where a dependency is declared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// `[dependencies]`.
    Normal,
    /// `[build-dependencies]`.
    Build,
    /// `[dev-dependencies]`.
    Dev,
}

impl Dependency {
    /// A dependency with only a path, for the tests of the tests.
    #[must_use]
    pub fn new(name: &str, section: Section) -> Self {
        Self {
            name: name.to_owned(),
            section,
            has_version: false,
            is_optional: false,
        }
    }
}

impl Workspace {
    /// The workspace that this package belongs to, read once for the whole process.
    ///
    /// # Panics
    ///
    /// When `cargo metadata` fails or answers with something else than it documents.
    #[must_use]
    pub fn read() -> &'static Self {
        static WORKSPACE: LazyLock<Workspace> = LazyLock::new(Workspace::of_this_package);
        &WORKSPACE
    }

    fn of_this_package() -> Self {
        let metadata = cargo(&["metadata", "--no-deps", "--format-version", "1"]);
        let metadata: Value = serde_json::from_str(&metadata).expect("cargo metadata is JSON");
        let packages = metadata["packages"]
            .as_array()
            .expect("cargo metadata lists packages");
        Self {
            root: text(&metadata["workspace_root"]).into(),
            packages: packages.iter().map(package).collect(),
        }
    }

    /// The folder of the workspace's manifest.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Every member.
    #[must_use]
    pub fn packages(&self) -> &[Package] {
        &self.packages
    }

    /// The members that are published: those in `crates/`.
    pub fn crates(&self) -> impl Iterator<Item = &Package> {
        self.packages
            .iter()
            .filter(|package| package.folder.parent() == Some(&self.root.join("crates")))
    }

    /// The member of this name.
    ///
    /// # Panics
    ///
    /// When there is none.
    #[must_use]
    pub fn package(&self, name: &str) -> &Package {
        let found = self.packages.iter().find(|package| package.name == name);
        found.unwrap_or_else(|| panic!("no package {name} in the workspace"))
    }

    /// Whether a package of this name is a member.
    #[must_use]
    pub fn is_member(&self, name: &str) -> bool {
        self.packages.iter().any(|package| package.name == name)
    }

    /// Runs cargo in the workspace, without a network, and returns what it prints.
    ///
    /// # Panics
    ///
    /// When cargo fails.
    #[must_use]
    pub fn cargo(&self, arguments: &[&str]) -> String {
        cargo(arguments)
    }
}

fn cargo(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO"))
        .args(arguments)
        .arg("--offline")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo built this test, so it is there");
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo {}: {error}",
        arguments.join(" ")
    );
    String::from_utf8(output.stdout).expect("cargo prints UTF-8")
}

fn package(package: &Value) -> Package {
    let list = |name: &str| package[name].as_array().into_iter().flatten();
    let is_example = |target: &&Value| target["kind"][0] == "example";
    let manifest = PathBuf::from(text(&package["manifest_path"]));
    Package {
        name: text(&package["name"]),
        folder: manifest.parent().map(Path::to_path_buf).unwrap_or_default(),
        dependencies: list("dependencies").map(dependency).collect(),
        features: features(package),
        examples: list("targets")
            .filter(is_example)
            .map(|target| text(&target["name"]))
            .collect(),
    }
}

fn features(package: &Value) -> Vec<String> {
    let names = package["features"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.clone());
    names.filter(|name| name != "default").collect()
}

fn dependency(dependency: &Value) -> Dependency {
    Dependency {
        name: text(&dependency["name"]),
        section: match dependency["kind"].as_str() {
            Some("dev") => Section::Dev,
            Some("build") => Section::Build,
            _ => Section::Normal,
        },
        has_version: dependency["req"] != "*",
        is_optional: dependency["optional"] == true,
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Every Rust file in a folder and the folders below it, in order; none if there is no such folder.
#[must_use]
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .flat_map(|entry| match entry.path() {
            path if path.is_dir() => rust_files(&path),
            path if path.extension().is_some_and(|extension| extension == "rs") => vec![path],
            _ => Vec::new(),
        })
        .collect();
    files.sort();
    files
}

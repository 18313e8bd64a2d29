//! Manifests: read for other rules, and each of them under the workspace's lints.

use super::Finding;
use super::files::{File, Tree};

/// A crate's manifest.
pub(super) struct Manifest<'a> {
    pub(super) file: &'a File,
    pub(super) name: String,
    table: toml::Table,
}

/// The tables of dependencies that end up in what is shipped.
const SHIPPED: [&str; 2] = ["dependencies", "build-dependencies"];

impl Manifest<'_> {
    /// The packages that the shipped crate is built from, by their real names, in the order of the file.
    pub(super) fn shipped_dependencies(&self) -> Vec<String> {
        let for_targets = self
            .table
            .get("target")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flat_map(toml::Table::values);
        let mut tables: Vec<&toml::Table> = for_targets.filter_map(toml::Value::as_table).collect();
        tables.push(&self.table);
        let mut names = Vec::new();
        for table in tables {
            let dependencies =
                SHIPPED.iter().filter_map(|key| table.get(*key)).filter_map(toml::Value::as_table);
            names.extend(dependencies.flatten().map(|(key, value)| {
                value.get("package").and_then(toml::Value::as_str).unwrap_or(key).to_owned()
            }));
        }
        names
    }
}

/// All manifests of crates; the workspace's own root manifest has no package.
pub(super) fn read(tree: &Tree) -> Vec<Manifest<'_>> {
    tree.files().iter().filter(|file| file.is_manifest()).filter_map(parse).collect()
}

fn parse(file: &File) -> Option<Manifest<'_>> {
    let table: toml::Table = toml::from_str(&file.text).ok()?;
    let name = table.get("package")?.get("name")?.as_str()?.to_owned();
    Some(Manifest { file, name, table })
}

/// Finds manifests that cannot be read, and crates outside the workspace's lints.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let unreadable = tree.files().iter().filter(|file| file.is_manifest()).filter_map(|file| {
        let error = toml::from_str::<toml::Table>(&file.text).err()?;
        Some(Finding::new(&file.path, 0, format!("is not TOML: {}", error.message())))
    });
    let unlinted = read(tree).into_iter().filter_map(|manifest| {
        let inherited = manifest.table.get("lints").and_then(|lints| lints.get("workspace"));
        (inherited.and_then(toml::Value::as_bool) != Some(true))
            .then(|| Finding::new(&manifest.file.path, 0, "lacks `[lints] workspace = true`"))
    });
    unreadable.chain(unlinted).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_without_the_workspace_lints_is_found() {
        let tree = Tree::of(&[("a/Cargo.toml", "[package]\nname = \"a\"\n[lints]\nworkspace = false\n")]);
        assert_eq!(check(&tree).len(), 1);
        let tree = Tree::of(&[("a/Cargo.toml", "[package]\nname = \"a\"\n[lints]\nworkspace = true\n")]);
        assert_eq!(check(&tree), []);
    }

    #[test]
    fn a_manifest_that_is_not_toml_is_found() {
        assert_eq!(check(&Tree::of(&[("a/Cargo.toml", "[package")])).len(), 1);
    }

    #[test]
    fn renamed_and_target_dependencies_are_seen() {
        let text = "[package]\nname = \"a\"\n[dependencies]\nstore = { package = \"redis\", version = \"1\" }\n\
                    [target.'cfg(unix)'.dependencies]\nlibc = \"1\"\n[build-dependencies]\ncc = \"1\"\n\
                    [dev-dependencies]\nproptest = \"1\"\n";
        let tree = Tree::of(&[("a/Cargo.toml", text)]);
        let mut names = read(&tree)[0].shipped_dependencies();
        names.sort_unstable();
        assert_eq!(names, ["cc", "libc", "redis"]);
    }
}

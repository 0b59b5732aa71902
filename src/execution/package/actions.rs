//! `runner.json`: which files of a package lie where, and which runners it depends on.
//!
//! What concerns processes (`SetArgs`, `AddEnv`) is read and has no effect: there is one way to
//! start a contract here. What a runner such as `py-genlayer` would do with the contract's files is
//! done for it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::domain::Bytes;

/// Most files that are put somewhere.
const MAPPED_MAX: usize = 1024;
/// The package itself, among runners.
const SELF: &str = "<contract>";

type Files = BTreeMap<String, Bytes>;

/// Puts the archive's files where `runner.json` wants them, by absolute path.
pub(super) fn follow(runner: &str, archived: &Files) -> Result<Files, String> {
    let json: Json = serde_json::from_str(runner)
        .map_err(|error| format!("`runner.json` is not JSON: {error}"))?;
    let mut machine = Machine { archived, mapped: Files::new(), is_runner_named: false };
    if ["pre_actions", "depends", "actions"].iter().any(|key| json.get(key).is_some()) {
        machine.apply_old(&json)?;
    } else {
        machine.apply(&json)?;
    }
    if !machine.is_runner_named {
        return Err(
            "`runner.json` names no runner: add `{ \"Depends\": \"py-genlayer-multi:…\" }`".into(),
        );
    }
    Ok(machine.mapped)
}

struct Machine<'a> {
    archived: &'a Files,
    mapped: Files,
    is_runner_named: bool,
}

impl Machine<'_> {
    /// The form of the first packages: three lists.
    fn apply_old(&mut self, json: &Json) -> Result<(), String> {
        let lists = ["pre_actions", "depends", "actions"];
        for (key, value) in json.as_object().into_iter().flatten() {
            if !lists.contains(&key.as_str()) {
                return Err(unknown(key));
            }
            value.as_array().ok_or_else(|| form(key, "a list"))?;
        }
        let list = |key: &str| json.get(key).and_then(Json::as_array).into_iter().flatten();
        for action in list("pre_actions") {
            self.apply(action)?;
        }
        for runner in list("depends") {
            self.depend(runner)?;
        }
        list("actions").try_for_each(|action| self.apply(action))
    }

    fn apply(&mut self, action: &Json) -> Result<(), String> {
        let entries = action.as_object().filter(|entries| entries.len() == 1);
        let Some((name, value)) = entries.and_then(|entries| entries.iter().next()) else {
            let shown: String = action.to_string().chars().take(80).collect();
            return Err(format!("`{shown}` in `runner.json` must be an object of one action"));
        };
        match name.as_str() {
            "Seq" => {
                let list = value.as_array().ok_or_else(|| form(name, "a list of actions"))?;
                list.iter().try_for_each(|action| self.apply(action))
            }
            "Depends" => self.depend(value),
            "With" => self.with(value),
            "When" => self.when(value),
            "MapFile" => self.map(text(value, name, "file")?, text(value, name, "to")?),
            "SetArgs" => {
                let list = value.as_array().filter(|list| list.iter().all(Json::is_string));
                list.map(drop).ok_or_else(|| form(name, "a list of texts"))
            }
            "AddEnv" => {
                text(value, name, "name")?;
                text(value, name, "val").map(drop)
            }
            "LinkWasm" | "StartWasm" => Err(format!(
                "`{name}` in `runner.json`: contracts are Python here, not WebAssembly"
            )),
            _ => Err(unknown(name)),
        }
    }

    /// What the runners of contracts do with the contract's files.
    fn depend(&mut self, runner: &Json) -> Result<(), String> {
        let runner = runner.as_str().ok_or_else(|| form("Depends", "a text"))?;
        let name = runner.split_once(':').map(|(name, _)| name).filter(|name| !name.is_empty());
        let name = name.ok_or_else(|| format!("the runner `{runner}` is not `name:hash`"))?;
        self.is_runner_named = true;
        match name {
            "py-genlayer" => {
                let files = ["file", "contract.py"];
                let found = files.into_iter().find(|file| self.archived.contains_key(*file));
                found.map_or(Ok(()), |file| self.map(file, "/contract.py"))
            }
            "py-genlayer-multi" => self.map("contract/", "/contract/"),
            _ => Ok(()),
        }
    }

    fn with(&mut self, value: &Json) -> Result<(), String> {
        let runner = text(value, "With", "runner")?;
        let action = value.get("action").ok_or_else(|| form("With", "an object with `action`"))?;
        if runner != SELF {
            return Err(format!(
                "`With` in `runner.json`: the files of the runner `{runner}` are not here"
            ));
        }
        self.apply(action)
    }

    fn when(&mut self, value: &Json) -> Result<(), String> {
        let action = value.get("action").ok_or_else(|| form("When", "an object with `action`"))?;
        match text(value, "When", "cond")? {
            "det" => self.apply(action),
            "nondet" => Ok(()),
            other => {
                Err(format!("`When` in `runner.json` knows `det` and `nondet`, not `{other}`"))
            }
        }
    }

    /// Puts a file, or with `/` at its end a whole folder, somewhere.
    fn map(&mut self, file: &str, to: &str) -> Result<(), String> {
        let to = to.trim_matches('/');
        if to.split('/').any(|part| matches!(part, "." | "..")) {
            return Err(format!("`MapFile` in `runner.json` cannot put files at `{to}`"));
        }
        let Some(folder) = file.strip_suffix('/') else {
            let content = self.archived.get(file);
            let content = content
                .ok_or_else(|| format!("there is no `{file}`, which `runner.json` asks for"))?;
            self.mapped.insert(format!("/{to}"), content.clone());
            return Ok(());
        };
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let under = if to.is_empty() { String::new() } else { format!("/{to}") };
        let found = self.archived.iter().filter_map(|(path, content)| {
            let rest = path.strip_prefix(&prefix)?;
            Some((format!("{under}/{rest}"), content.clone()))
        });
        let before = self.mapped.len();
        self.mapped.extend(found);
        if self.mapped.len() == before
            && !self.archived.keys().any(|path| path.starts_with(&prefix))
        {
            return Err(format!("there is no folder `{file}`, which `runner.json` asks for"));
        }
        if self.mapped.len() > MAPPED_MAX {
            return Err(format!("`runner.json` puts more than {MAPPED_MAX} files somewhere"));
        }
        Ok(())
    }
}

fn text<'a>(value: &'a Json, action: &str, key: &str) -> Result<&'a str, String> {
    let text = value.get(key).and_then(Json::as_str);
    text.ok_or_else(|| form(action, &format!("an object with the text `{key}`")))
}

fn form(action: &str, wanted: &str) -> String {
    format!("`{action}` in `runner.json` must be {wanted}")
}

fn unknown(name: &str) -> String {
    format!("`runner.json` has an unknown action `{name}`")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(paths: &[&str]) -> Files {
        paths
            .iter()
            .map(|path| ((*path).to_owned(), Bytes::copy_from_slice(path.as_bytes())))
            .collect()
    }

    #[track_caller]
    fn check(runner: &str, expected: Result<&[&str], &str>) {
        let archived =
            files(&["runner.json", "file", "contract/__init__.py", "contract/a.py", "src/b.py"]);
        let mapped = follow(runner, &archived);
        let paths = mapped.as_ref().map(|mapped| mapped.keys().map(String::as_str).collect());
        match expected {
            Ok(expected) => assert_eq!(paths, Ok(expected.to_vec()), "{runner}"),
            Err(words) => assert!(paths.as_ref().is_err_and(|e| e.contains(words)), "{paths:?}"),
        }
    }

    #[test]
    fn runners_and_actions_put_files_somewhere() {
        let multi = r#"{"Depends": "py-genlayer-multi:test"}"#;
        check(multi, Ok(&["/contract/__init__.py", "/contract/a.py"]));
        check(r#"{"Depends": "py-genlayer:1jb4"}"#, Ok(&["/contract.py"]));
        let own = r#"{"Seq": [{"MapFile": {"file": "src/", "to": "/contract"}},
            {"SetArgs": ["py", "-u"]}, {"AddEnv": {"name": "a", "val": "b"}},
            {"When": {"cond": "det", "action": {"MapFile": {"file": "file", "to": "x.py"}}}},
            {"When": {"cond": "nondet", "action": {"MapFile": {"file": "none", "to": "y"}}}},
            {"Depends": "py-genlayer-std:test"}]}"#;
        check(own, Ok(&["/contract/b.py", "/x.py"]));
        let with = r#"{"Seq": [{"With": {"runner": "<contract>",
            "action": {"MapFile": {"file": "/", "to": "/all/"}}}}, {"Depends": "a:b"}]}"#;
        let all = ["contract/__init__.py", "contract/a.py", "file", "runner.json", "src/b.py"];
        let all = all.map(|path| format!("/all/{path}"));
        check(with, Ok(&all.each_ref().map(String::as_str)));
        let old = r#"{"pre_actions": [{"MapFile": {"file": "file", "to": "contract.py"}}],
            "depends": ["genlayer-py-std:test"]}"#;
        check(old, Ok(&["/contract.py"]));
    }

    #[test]
    fn what_cannot_be_followed_is_refused_in_words() {
        for (runner, words) in [
            ("{", "not JSON"),
            ("[]", "must be an object of one action"),
            ("{}", "must be an object of one action"),
            (r#"{"Seq": []}"#, "names no runner"),
            (r#"{"Seq": 1}"#, "`Seq` in `runner.json` must be a list"),
            (r#"{"Depends": 1}"#, "must be a text"),
            (r#"{"Depends": "py-genlayer"}"#, "is not `name:hash`"),
            (r#"{"Jump": 1}"#, "unknown action `Jump`"),
            (r#"{"StartWasm": "a"}"#, "not WebAssembly"),
            (r#"{"MapFile": {"file": "file"}}"#, "an object with the text `to`"),
            (r#"{"MapFile": {"file": "none", "to": "/x"}}"#, "there is no `none`"),
            (r#"{"MapFile": {"file": "none/", "to": "/x"}}"#, "there is no folder `none/`"),
            (r#"{"MapFile": {"file": "file", "to": "/../x"}}"#, "cannot put files at"),
            (r#"{"With": {"runner": "a:b", "action": {}}}"#, "the files of the runner `a:b`"),
            (r#"{"When": {"cond": "often", "action": {}}}"#, "not `often`"),
            (r#"{"depends": "a:b"}"#, "`depends` in `runner.json` must be a list"),
            (r#"{"depends": [], "other": 1}"#, "unknown action `other`"),
        ] {
            check(runner, Err(words));
        }
    }
}

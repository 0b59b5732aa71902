//! The head of a contract's file: `# { "Depends": "…" }`, perhaps after a version and over lines.
//!
//! Which runner is pinned does not matter, as there is one; but a header that is not JSON is the
//! author's mistake, and no network would accept it.

/// Checks the header, if there is one; the error is in words for the author.
pub(super) fn check(text: &str) -> Result<(), String> {
    let comments =
        text.lines().map(str::trim).take_while(|line| line.is_empty() || line.starts_with('#'));
    let mut json = String::new();
    for line in comments {
        let line = line.trim_start_matches('#').trim();
        // Ordinary comments may come before the header, and may have braces of their own.
        if json.is_empty() && !(line.starts_with('{') && is_header_start(line)) {
            continue;
        }
        json.push_str(line);
        json.push('\n');
        match serde_json::from_str::<serde_json::Value>(&json) {
            Ok(value) => return has_runner(&value),
            Err(error) if error.is_eof() => {}
            Err(error) => return Err(malformed(&error.to_string())),
        }
    }
    if json.is_empty() { Ok(()) } else { Err(malformed("it does not end")) }
}

/// Does a header begin here? An opening brace alone may begin one of several lines.
fn is_header_start(line: &str) -> bool {
    line == "{" || line.contains("Depends") || line.contains("Seq")
}

fn malformed(why: &str) -> String {
    format!(
        "the header of the file is not JSON ({why}): write `# {{ \"Depends\": \"py-genlayer:test\" }}`"
    )
}

fn has_runner(value: &serde_json::Value) -> Result<(), String> {
    let depends =
        |value: &serde_json::Value| value.get("Depends").is_some_and(serde_json::Value::is_string);
    let sequence = value.get("Seq").and_then(serde_json::Value::as_array);
    let known = depends(value) || sequence.is_some_and(|parts| !parts.is_empty());
    if known {
        return Ok(());
    }
    Err("the header of the file names no runner: write `# { \"Depends\": \"py-genlayer:test\" }`"
        .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_json_or_absent() {
        for (source, is_good) in [
            ("x = 1", true),
            ("# v0.2.16\n# { \"Depends\": \"py-genlayer:test\" }\nx = 1", true),
            ("\n\n# a {comment}\r\n# {\"Depends\": \"py-genlayer:1jb4\"}\r\n", true),
            ("# {\n#   \"Seq\": [\n#     { \"Depends\": \"a:b\" }\n#   ]\n# }\nx = 1", true),
            ("# { \"Depends\": \"py-genlayer:jb45ae8ynh2a9c9xnb7qqh8m\" }\n", true),
            ("# { not a header }\nx = 1", true),
            ("x = 1\n# { \"Depends\": }", true),
            ("# { \"Depends\": py-genlayer:test }\n", false),
            ("# { \"Depends\": \"py-genlayer:test\"\nx = 1", false),
            ("# { \"Depends\": 7 }\n", false),
            ("# { \"Seq\": [] }\n", false),
        ] {
            assert_eq!(check(source).is_ok(), is_good, "{source}");
        }
    }
}

//! What a step puts into the file that `$RUNCAST_OUTPUT` names.

use std::collections::BTreeMap;

/// Most that a step may put out, in bytes of its keys and values.
pub const OUTPUTS_MAX: usize = 64 * 1024;

/// Reads `key=value` lines and `key<<END` blocks, as GitHub's `$GITHUB_OUTPUT`. The last value of a key counts, empty
/// lines do not.
///
/// # Errors
/// In one sentence, what is wrong on which line, or that it is more than [`OUTPUTS_MAX`].
pub fn outputs(text: &str) -> Result<BTreeMap<String, String>, String> {
    let mut values = BTreeMap::new();
    let mut lines = (1..).zip(text.split('\n').map(|line| line.strip_suffix('\r').unwrap_or(line)));
    while let Some((number, line)) = lines.next() {
        if line.trim().is_empty() {
            continue;
        }
        let (key, value) = match (line.find('='), line.find("<<")) {
            (Some(equals), heredoc) if heredoc.is_none_or(|heredoc| equals < heredoc) => {
                (&line[..equals], line[equals + 1..].to_owned())
            }
            (_, Some(heredoc)) if !line[heredoc + 2..].is_empty() => {
                let end = &line[heredoc + 2..];
                (&line[..heredoc], block(&mut lines, end).ok_or_else(|| unended(number, end))?)
            }
            _ => return Err(wrong(number, format!("{} is neither key=value nor key<<END", shown(line)))),
        };
        if !is_key(key) {
            let message = "is no key: it has letters, digits, '_' and '-', and begins with a letter or '_'";
            return Err(wrong(number, format!("{} {message}", shown(key))));
        }
        if value.contains('\0') {
            return Err(wrong(number, format!("the value of {} holds a NUL character", shown(key))));
        }
        values.insert(key.to_owned(), value);
    }
    let size: usize = values.iter().map(|(key, value)| key.len() + value.len()).sum();
    if size > OUTPUTS_MAX {
        return Err(format!("$RUNCAST_OUTPUT holds {size} bytes of keys and values, {OUTPUTS_MAX} are the most"));
    }
    Ok(values)
}

/// The lines up to the one that is `end`.
fn block<'t>(lines: &mut impl Iterator<Item = (usize, &'t str)>, end: &str) -> Option<String> {
    let mut value: Option<String> = None;
    for (_, line) in lines {
        if line == end {
            return Some(value.unwrap_or_default());
        }
        match &mut value {
            None => value = Some(line.to_owned()),
            Some(value) => {
                value.push('\n');
                value.push_str(line);
            }
        }
    }
    None
}

fn is_key(key: &str) -> bool {
    key.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn unended(line: usize, end: &str) -> String {
    wrong(line, format!("the block that begins here has no line {} that ends it", shown(end)))
}

fn wrong(line: usize, message: String) -> String {
    format!("$RUNCAST_OUTPUT, line {line}: {message}")
}

fn shown(text: &str) -> String {
    format!("{:?}", text.chars().take(60).collect::<String>())
}

//! `runcast user` and `runcast token`: they work on the data folder, whether a server runs on it or not.

use std::{
    io::{IsTerminal as _, Read as _, stdin},
    path::Path,
};

use serde_json::json;

use super::{
    arguments::{DataArgs, ServeArgs, TokenCommand, UserCommand},
    error::ClientError,
    say,
};
use crate::{
    domain::access::Role,
    server::{
        access::{Access, AccessError, AccessSettings},
        settings::Settings,
    },
};

/// Most that is read of a password, in bytes: 256 characters of four bytes, and a line end.
const PASSWORD_BYTES: u64 = 1026;

impl From<AccessError> for ClientError {
    fn from(error: AccessError) -> Self {
        ClientError::Data(error.to_string())
    }
}

/// Adds, lists or removes users.
///
/// # Errors
/// If the data folder can't be used, or what is asked for can't be.
pub async fn user(command: UserCommand) -> Result<u8, ClientError> {
    match command {
        UserCommand::Add { name, admin, password_stdin, data } => {
            let access = open(&data, Folder::MayBeNew).await?;
            // Before anybody is asked for a password in vain.
            if access.user(&name).await?.is_some() {
                return Err(AccessError::UserExists(name).into());
            }
            if access.group(&name).await?.is_some() {
                return Err(AccessError::GroupHasName(name).into());
            }
            let role = if admin { Role::Admin } else { Role::User };
            let user = access.add_user(name, role, &password(password_stdin)?).await?;
            say(format!("added {} as {}", user.name, user.role.word()))?;
        }
        UserCommand::List { json, data } => {
            let users = open(&data, Folder::MustBe).await?.list_users().await?;
            if json {
                say(json!(users).to_string())?;
            } else {
                let line = |user: &crate::server::access::User| {
                    format!("{:24}  {:5}  {}", user.name.as_str(), user.role.word(), user.created_at)
                };
                users.iter().map(line).try_for_each(say)?;
            }
        }
        UserCommand::Remove { name, data } => {
            open(&data, Folder::MustBe).await?.remove_user(&name).await?;
            say(format!("removed {name}"))?;
        }
    }
    Ok(0)
}

/// Creates a token.
///
/// # Errors
/// As with [`user`].
pub async fn token(command: TokenCommand) -> Result<u8, ClientError> {
    let TokenCommand::Create { user, name, json, data } = command;
    let (id, token) = open(&data, Folder::MustBe).await?.create_token(&user, &name).await?;
    if json {
        say(json!({ "id": id, "token": token }).to_string())?;
    } else {
        say(token)?;
    }
    Ok(0)
}

/// Whether a data folder that is not there is made, or is a slip of the hand.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Folder {
    MayBeNew,
    MustBe,
}

/// What is known of users in the data folder.
pub(super) async fn open(args: &DataArgs, folder: Folder) -> Result<Access, ClientError> {
    let args = ServeArgs { data: args.data.clone(), ..ServeArgs::default() };
    let settings = Settings::resolve(args, Path::new(".")).map_err(|error| ClientError::Data(error.to_string()))?;
    if folder == Folder::MustBe && !settings.data.is_dir() {
        let path = settings.data.display();
        return Err(ClientError::Data(format!("there is no data folder {path}; which one is it? Say so with --data")));
    }
    Ok(Access::open(&settings.data, AccessSettings::default()).await?)
}

fn password(from_stdin: bool) -> Result<String, ClientError> {
    let unreadable = |error: std::io::Error| ClientError::Data(format!("no password could be read: {error}"));
    if from_stdin {
        let mut text = String::new();
        stdin().lock().take(PASSWORD_BYTES).read_to_string(&mut text).map_err(unreadable)?;
        return Ok(without_line_end(&text).to_owned());
    }
    if !stdin().is_terminal() {
        return Err(ClientError::Usage(
            "there is no terminal to ask for the password; use --password-stdin".to_owned(),
        ));
    }
    let first = rpassword::prompt_password("Password: ").map_err(unreadable)?;
    let second = rpassword::prompt_password("And again: ").map_err(unreadable)?;
    if first == second { Ok(first) } else { Err(ClientError::Data("the two passwords are not the same".to_owned())) }
}

/// `echo` adds a line end that is no part of the password.
fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_after_a_password_is_no_part_of_it() {
        for (given, password) in [("a b\n", "a b"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("a", "a"), ("", "")] {
            assert_eq!(without_line_end(given), password);
        }
    }
}

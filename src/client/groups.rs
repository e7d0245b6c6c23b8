//! `runcast group`: it works on the data folder, whether a server runs on it or not.

use serde_json::json;

use super::{
    accounts::{Folder, open},
    arguments::GroupCommand,
    error::ClientError,
    say,
};
use crate::{
    domain::{administration::UserGroup, id::Name},
    server::access::{Access, AccessError, Members},
};

/// Adds, lists or removes groups, and who is in them.
///
/// # Errors
/// If the data folder can't be used, or what is asked for can't be.
pub async fn group(command: GroupCommand) -> Result<u8, ClientError> {
    match command {
        GroupCommand::Add { name, members, data } => {
            let access = open(&data, Folder::MustBe).await?;
            say(sentence(&add(&access, name, &members).await?))?;
        }
        GroupCommand::List { json, data } => {
            let groups = open(&data, Folder::MustBe).await?.list_groups(None).await?;
            if json {
                say(json!(groups).to_string())?;
            } else {
                let line = |group: &UserGroup| format!("{:24}  {}", group.name.as_str(), listed(&group.members));
                groups.iter().map(line).try_for_each(say)?;
            }
        }
        GroupCommand::Remove { name, members, data } => {
            let access = open(&data, Folder::MustBe).await?;
            if members.is_empty() {
                access.remove_group(&name).await?;
                say(format!("removed the group {name}"))?;
            } else {
                say(sentence(&access.change_group(&name, &members, Members::Leave).await?))?;
            }
        }
    }
    Ok(0)
}

/// Without members it is to be a new group; with some it need not be.
async fn add(access: &Access, name: Name, members: &[Name]) -> Result<UserGroup, AccessError> {
    if members.is_empty() { access.add_group(name, members).await } else { access.join_group(name, members).await }
}

fn sentence(group: &UserGroup) -> String {
    match group.members.len() {
        0 => format!("nobody is in the group {}", group.name),
        _ => format!("in the group {} are {}", group.name, listed(&group.members)),
    }
}

fn listed(members: &[Name]) -> String {
    members.iter().map(Name::as_str).collect::<Vec<_>>().join(" ")
}

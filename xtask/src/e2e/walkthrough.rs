//! The walkthrough that the project began with, to the letter: two tables become a global table, a third joins, a song written in
//! Singapore is read in Virginia and Ireland.
//!
//! `walkthrough.txt` holds the commands as they were published; they are typed into bash one after another with nothing but an endpoint and
//! dummy credentials in the environment.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::cluster::REGIONS;
use super::prompt::{Answer, Prompt, wait_until};

/// The published commands, each under its headline.
const TEXT: &str = include_str!("walkthrough.txt");

/// How long one command may take; a cold Python starts slowly.
const LIMIT: Duration = Duration::from_secs(60);

/// How long the timing loop may take: nine rounds of two seconds and two commands.
const LOOP_LIMIT: Duration = Duration::from_secs(240);

/// "Usually propagated within seconds".
const LAG_LIMIT: Duration = Duration::from_secs(20);

/// Types every command and looks at every answer.
pub(super) fn run(prompt: &Prompt) -> anyhow::Result<()> {
    let commands = commands(TEXT);
    let [
        first,
        second,
        create,
        third,
        join,
        put,
        read_second,
        read_third,
        timing,
    ] = commands[..]
    else {
        anyhow::bail!(
            "walkthrough.txt has {} commands, 9 are known",
            commands.len()
        );
    };
    is_table(&typed(prompt, first)?, REGIONS[0])?;
    is_table(&typed(prompt, second)?, REGIONS[1])?;
    is_global_table(&typed(prompt, create)?, &REGIONS[..2])?;
    is_table(&typed(prompt, third)?, REGIONS[2])?;
    is_global_table(&typed(prompt, join)?, &REGIONS)?;
    descriptions_agree(prompt)?;

    typed(prompt, put)?;
    let here = get_here(prompt)?;
    is_song(&here, "item_1")?;
    for (read, region) in [(read_second, REGIONS[1]), (read_third, REGIONS[2])] {
        let mut item = Value::Null;
        wait_until(&format!("replicated item in {region}"), LAG_LIMIT, || {
            let answer = typed(prompt, read)?;
            item = if answer.stdout.trim().is_empty() {
                Value::Null
            } else {
                answer.json()?
            };
            Ok(item.get("Item").is_some())
        })?;
        ensure!(
            item == here,
            "{region} holds {item}, {} holds {here}",
            REGIONS[0]
        );
    }

    println!("e2e: {}", timing.0);
    let answer = prompt.bash(timing.1, LOOP_LIMIT)?;
    is_timing_loop(answer.exits(0)?)
}

/// Headline and command, in the order of the text.
fn commands(text: &str) -> Vec<(&str, &str)> {
    text.split("## ")
        .skip(1)
        .filter_map(|section| section.split_once('\n'))
        .map(|(headline, command)| (headline, command.trim_end()))
        .collect()
}

/// Types one command, which must succeed.
fn typed(prompt: &Prompt, (headline, command): (&str, &str)) -> anyhow::Result<Answer> {
    println!("e2e: {headline}");
    let answer = prompt.bash(command, LIMIT)?;
    answer.exits(0)?;
    Ok(answer)
}

/// Reads the first song where it was written.
fn get_here(prompt: &Prompt) -> anyhow::Result<Value> {
    let key = r#"{"Artist": {"S":"item_1"},"SongTitle": {"S":"Song Value 1"}}"#;
    let arguments = [
        "dynamodb",
        "get-item",
        "--table-name",
        "Music",
        "--key",
        key,
    ];
    let arguments = [&arguments[..], &["--region", REGIONS[0]]].concat();
    prompt.run("aws", &arguments, LIMIT)?.exits(0)?.json()
}

fn is_table(answer: &Answer, region: &str) -> anyhow::Result<()> {
    let table = &answer.json()?["TableDescription"];
    let status = &table["TableStatus"];
    let arn = table["TableArn"].as_str().unwrap_or_default();
    let is_ours = table["TableName"] == "Music"
        && (status == "ACTIVE" || status == "CREATING")
        && table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
        && arn.starts_with(&format!("arn:aws:dynamodb:{region}:"))
        && arn.ends_with(":table/Music");
    ensure!(
        is_ours,
        answer.report(&format!("expected table Music of {region}"))
    );
    Ok(())
}

/// The answer describes the global table with these replicas, in any order.
fn is_global_table(answer: &Answer, regions: &[&str]) -> anyhow::Result<()> {
    let described = &answer.json()?["GlobalTableDescription"];
    let is_ours = described["GlobalTableName"] == "Music" && replicas(described) == sorted(regions);
    ensure!(
        is_ours,
        answer.report(&format!("expected global table Music of {regions:?}"))
    );
    Ok(())
}

/// The regions of a replication group, sorted.
fn replicas(described: &Value) -> Vec<String> {
    let group = described["ReplicationGroup"].as_array();
    let names = group
        .into_iter()
        .flatten()
        .filter_map(|one| one["RegionName"].as_str());
    sorted(&names.collect::<Vec<_>>())
}

fn sorted(regions: &[&str]) -> Vec<String> {
    let mut regions: Vec<String> = regions.iter().map(|&one| one.to_owned()).collect();
    regions.sort_unstable();
    regions
}

/// Every region comes to describe the global table as active, and lists it, with all its replicas.
fn descriptions_agree(prompt: &Prompt) -> anyhow::Result<()> {
    for region in REGIONS {
        let describe = [
            "dynamodb",
            "describe-global-table",
            "--global-table-name",
            "Music",
        ];
        let describe = [&describe[..], &["--region", region]].concat();
        wait_until(
            &format!("active global table in {region}"),
            LAG_LIMIT,
            || {
                let described = prompt.run("aws", &describe, LIMIT)?;
                let status =
                    &described.exits(0)?.json()?["GlobalTableDescription"]["GlobalTableStatus"];
                let is_active = status == "ACTIVE";
                if is_active {
                    is_global_table(&described, &REGIONS)?;
                }
                Ok(is_active)
            },
        )?;

        let list = ["dynamodb", "list-global-tables", "--region", region];
        let listed = prompt.run("aws", &list, LIMIT)?;
        let tables = listed.exits(0)?.json()?;
        let music = &tables["GlobalTables"][0];
        let is_listed = music["GlobalTableName"] == "Music" && replicas(music) == sorted(&REGIONS);
        ensure!(
            is_listed,
            listed.report("expected global table Music in the list")
        );
    }
    Ok(())
}

/// The answer to get-item is the song by this artist with the three attributes of replication.
fn is_song(answer: &Value, artist: &str) -> anyhow::Result<()> {
    let item = &answer["Item"];
    let attributes = item.as_object().map_or(0, serde_json::Map::len);
    let updated = item["aws:rep:updatetime"]["N"].as_str().unwrap_or_default();
    let is_ours = item["Artist"] == json!({ "S": artist })
        && attributes == 5
        && item["SongTitle"]["S"].is_string()
        && item["aws:rep:deleting"] == json!({ "BOOL": false })
        && item["aws:rep:updateregion"] == json!({ "S": REGIONS[0] })
        && is_update_time(updated);
    ensure!(
        is_ours,
        "expected a song by {artist} with its aws:rep attributes, got {answer}"
    );
    Ok(())
}

/// Seconds since the epoch with six decimals, as in `1519085870.846001`.
fn is_update_time(text: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    text.split_once('.').is_some_and(|(seconds, rest)| {
        seconds.len() == 10 && rest.len() == 6 && digits(seconds) && digits(rest)
    })
}

/// Nine songs were written in Singapore, and each was read in Ireland two seconds later.
fn is_timing_loop(answer: &Answer) -> anyhow::Result<()> {
    let rounds = answer.stdout.split("-=-=- Inserting Item:").skip(1);
    let mut count = 0;
    for (round, number) in rounds.zip(2..) {
        let (_, json) = round
            .split_once("Seconds -=-=-\n")
            .with_context(|| answer.report("expected a headline for every round"))?;
        let item = serde_json::from_str(json)
            .with_context(|| answer.report(&format!("expected item_{number} in Ireland")))?;
        is_song(&item, &format!("item_{number}"))?;
        count += 1;
    }
    let times = answer.stderr.matches("real").count();
    ensure!(
        count == 9 && times == 9,
        answer.report("expected nine rounds, each timed")
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{TEXT, commands, is_song, is_update_time, replicas};

    #[test]
    fn the_walkthrough_has_nine_commands() {
        let commands = commands(TEXT);
        assert_eq!(commands.len(), 9);
        assert!(
            commands[..8]
                .iter()
                .all(|(_, command)| command.starts_with("aws dynamodb "))
        );
        assert!(commands[8].1.starts_with("for i in {2..10}"));
        assert!(commands[8].1.ends_with("done"));
    }

    #[test]
    fn a_song_without_an_attribute_of_replication_is_refused() {
        let song = json!({ "Item": {
            "Artist": { "S": "item_1" }, "SongTitle": { "S": "x" },
            "aws:rep:deleting": { "BOOL": false },
            "aws:rep:updatetime": { "N": "1519085870.846001" },
            "aws:rep:updateregion": { "S": "ap-southeast-1" },
        }});
        assert!(is_song(&song, "item_1").is_ok());
        assert!(is_song(&song, "item_2").is_err());
        for attribute in [
            "aws:rep:deleting",
            "aws:rep:updatetime",
            "aws:rep:updateregion",
        ] {
            let mut without = song.clone();
            without["Item"]
                .as_object_mut()
                .expect("it is a map")
                .remove(attribute);
            assert!(is_song(&without, "item_1").is_err(), "{attribute}");
        }
        assert!(!is_update_time("1519085870.8460") && !is_update_time("1519085870"));
    }

    #[test]
    fn replicas_are_compared_in_any_order() {
        let group = json!({ "ReplicationGroup": [{ "RegionName": "b" }, { "RegionName": "a" }] });
        assert_eq!(replicas(&group), ["a", "b"]);
    }
}

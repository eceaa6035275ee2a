//! What a global table refuses, each with the aws CLI and with the error that AWS gives.
//!
//! The names of the errors are documented; texts are compared only where they were observed on AWS. Runs after the walkthrough, whose
//! table `Music` has three replicas and data.

use std::time::Duration;

use anyhow::{Context, ensure};

use super::cluster::REGIONS;
use super::prompt::Prompt;

/// How long one command may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A table to make first: name, region, and what differs from the ordinary.
const TABLES: &[(&str, &str, Make)] = &[
    ("Full", REGIONS[0], Make::Ordinary),
    ("Full", REGIONS[1], Make::WithItem),
    ("Streamless", REGIONS[0], Make::Ordinary),
    ("Streamless", REGIONS[1], Make::NoStream),
    ("Keys", REGIONS[0], Make::Ordinary),
    ("Keys", REGIONS[1], Make::OtherKey),
    ("Images", REGIONS[0], Make::Ordinary),
    ("Images", REGIONS[1], Make::NewImageOnly),
    ("Capacity", REGIONS[0], Make::Ordinary),
    ("Capacity", REGIONS[1], Make::OtherCapacity),
    ("Lonely", REGIONS[0], Make::Ordinary),
    ("Pair", REGIONS[0], Make::Ordinary),
    ("Pair", REGIONS[1], Make::Ordinary),
    ("Pair", REGIONS[2], Make::WithItem),
];

/// How a table differs from the ordinary one.
#[derive(Clone, Copy, PartialEq)]
enum Make {
    Ordinary,
    WithItem,
    NoStream,
    OtherKey,
    NewImageOnly,
    OtherCapacity,
}

/// A command that must be refused.
struct Refusal {
    /// Why.
    why: &'static str,
    /// What follows `aws dynamodb`.
    arguments: &'static [&'static str],
    /// The name of the error.
    error: &'static str,
    /// Words of its text.
    words: &'static [&'static str],
}

const AP: &str = "RegionName=ap-southeast-1";
const US: &str = "RegionName=us-east-1";
const CREATE: &str = "create-global-table";
const UPDATE: &str = "update-global-table";
const NAME: &str = "--global-table-name";
const GROUP: &str = "--replication-group";
const CHANGES: &str = "--replica-updates";

const REFUSALS: &[Refusal] = &[
    Refusal {
        why: "a replica holds data",
        arguments: &[CREATE, NAME, "Full", GROUP, AP, US],
        error: "ValidationException",
        words: &["us-east-1", "not empty"],
    },
    Refusal {
        why: "a replica has no stream",
        arguments: &[CREATE, NAME, "Streamless", GROUP, AP, US],
        error: "ValidationException",
        words: &["us-east-1", "stream"],
    },
    Refusal {
        why: "a stream has not both images",
        arguments: &[CREATE, NAME, "Images", GROUP, AP, US],
        error: "ValidationException",
        words: &["us-east-1", "NEW_AND_OLD_IMAGES"],
    },
    Refusal {
        why: "the key schemas differ",
        arguments: &[CREATE, NAME, "Keys", GROUP, AP, US],
        error: "ValidationException",
        words: &["us-east-1", "key schema"],
    },
    Refusal {
        why: "the write capacities differ",
        arguments: &[CREATE, NAME, "Capacity", GROUP, AP, US],
        error: "ValidationException",
        words: &["us-east-1", "write capacity"],
    },
    Refusal {
        why: "a region has no such table",
        arguments: &[CREATE, NAME, "Lonely", GROUP, AP, US],
        error: "TableNotFoundException",
        words: &["Table not found: Table: 'Lonely' not found in region: 'us-east-1'."],
    },
    Refusal {
        why: "a region has no cluster",
        arguments: &[CREATE, NAME, "Lonely", GROUP, AP, "RegionName=eu-nowhere-9"],
        error: "ValidationException",
        words: &["eu-nowhere-9"],
    },
    Refusal {
        why: "the global table exists",
        arguments: &[CREATE, NAME, "Music", GROUP, AP, US],
        error: "GlobalTableAlreadyExistsException",
        words: &[],
    },
    Refusal {
        why: "the replica is a member already",
        arguments: &[
            UPDATE,
            NAME,
            "Music",
            CHANGES,
            "Create={RegionName=eu-west-1}",
        ],
        error: "ReplicaAlreadyExistsException",
        words: &[],
    },
    Refusal {
        why: "the new replica holds data",
        arguments: &[
            UPDATE,
            NAME,
            "Pair",
            CHANGES,
            "Create={RegionName=eu-west-1}",
        ],
        error: "ValidationException",
        words: &["eu-west-1"],
    },
    Refusal {
        why: "the replica to remove is no member",
        arguments: &[
            UPDATE,
            NAME,
            "Pair",
            CHANGES,
            "Delete={RegionName=eu-west-1}",
        ],
        error: "ReplicaNotFoundException",
        words: &[],
    },
    Refusal {
        why: "there is no such global table",
        arguments: &[
            UPDATE,
            NAME,
            "Nowhere",
            CHANGES,
            "Create={RegionName=eu-west-1}",
        ],
        error: "GlobalTableNotFoundException",
        words: &["Global table with name 'Nowhere' does not exist."],
    },
    Refusal {
        why: "there is no such global table to describe",
        arguments: &["describe-global-table", NAME, "Nowhere"],
        error: "GlobalTableNotFoundException",
        words: &["Global table with name 'Nowhere' does not exist."],
    },
    Refusal {
        why: "a replica's stream cannot be disabled",
        arguments: &[
            "update-table",
            "--table-name",
            "Music",
            "--stream-specification",
            "StreamEnabled=false",
        ],
        error: "ValidationException",
        words: &["Disabling Stream is not allowed for a Global Table replica."],
    },
];

/// Makes the tables, then asks for everything that must be refused, and sees that nothing has come of it.
pub(super) fn run(prompt: &Prompt) -> anyhow::Result<()> {
    for (table, region, make) in TABLES {
        let script = creation(table, region, *make);
        prompt.bash(&script, LIMIT)?.exits(0)?;
    }
    let pair = [CREATE, NAME, "Pair", GROUP, AP, US];
    aws(prompt, &pair)?.exits(0)?;
    for refusal in REFUSALS {
        println!("e2e: refused, since {}", refusal.why);
        let answer = aws(prompt, refusal.arguments)?;
        let name = format!("An error occurred ({})", refusal.error);
        ensure!(
            answer.code() != Some(0),
            answer.report("expected a refusal")
        );
        answer.says(&name)?;
        for words in refusal.words {
            answer.says(words)?;
        }
    }
    let listed = aws(prompt, &["list-global-tables"])?;
    let tables = listed.exits(0)?.json()?;
    let tables = tables["GlobalTables"]
        .as_array()
        .with_context(|| listed.report("expected a list"))?;
    let names: Vec<&str> = tables
        .iter()
        .filter_map(|one| one["GlobalTableName"].as_str())
        .collect();
    ensure!(
        names == ["Music", "Pair"],
        listed.report("expected Music and Pair alone")
    );
    Ok(())
}

/// `aws dynamodb …` in the first region.
fn aws(prompt: &Prompt, arguments: &[&str]) -> anyhow::Result<super::prompt::Answer> {
    let arguments = [&["dynamodb"], arguments, &["--region", REGIONS[0]]].concat();
    prompt.run("aws", &arguments, LIMIT)
}

/// What makes such a table, and puts an item into it if it should hold one.
fn creation(table: &str, region: &str, make: Make) -> String {
    let key = if make == Make::OtherKey {
        "Song"
    } else {
        "Artist"
    };
    let stream = match make {
        Make::NoStream => "StreamEnabled=false",
        Make::NewImageOnly => "StreamEnabled=true,StreamViewType=NEW_IMAGE",
        Make::Ordinary | Make::WithItem | Make::OtherKey | Make::OtherCapacity => {
            "StreamEnabled=true,StreamViewType=NEW_AND_OLD_IMAGES"
        }
    };
    let write_units = if make == Make::OtherCapacity { 2 } else { 1 };
    let create = format!(
        "aws dynamodb create-table --table-name {table} --region {region} \
         --attribute-definitions AttributeName={key},AttributeType=S \
         --key-schema AttributeName={key},KeyType=HASH \
         --provisioned-throughput ReadCapacityUnits=1,WriteCapacityUnits={write_units} \
         --stream-specification {stream}"
    );
    if make != Make::WithItem {
        return create;
    }
    let item = format!(r#"{{"{key}": {{"S": "somebody"}}}}"#);
    format!(
        "{create} && aws dynamodb put-item --table-name {table} --region {region} --item '{item}'"
    )
}

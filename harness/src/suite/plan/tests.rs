use super::*;

const SOUND: &str = r#"
name = "nightly"
time-budget = "20m"
[settings]
time-limit = 5
[[matrix]]
workloads = ["register"]
faults = ["none", "partition+kill"]
seeds = "1..2"
[[matrix]]
workloads = ["register"]
faults = ["none"]
seeds = [1]
defects = ["stale-strong-read"]
settings = { rate = 50 }
[targets]
elsewhere = { endpoint = ["a=http://127.0.0.1:1"] }
[[matrix]]
workloads = ["register"]
faults = ["client-link"]
seeds = "1..1"
targets = ["elsewhere"]
[[load]]
name = "reads at 100/s"
workload = "reads"
faults = ["none", "partition"]
seeds = "1..1"
arguments = ["--rate", "100", "--for", "5s", "--goal", "read.p99<1s"]
[[gate]]
name = "the shell"
base = "true"
candidate = "sh -c true"
"#;

fn plan(text: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().expect("temporary folder");
    let path = folder.path().join("suite.toml");
    std::fs::write(&path, text).expect("writable");
    Plan::read(&path)
}

#[test]
fn every_cell_is_there_once() {
    let plan = plan(SOUND).expect("well formed");
    let told: Vec<String> = plan
        .cells
        .iter()
        .map(|cell| cell.id.told().replace(crate::VERSION, "V"))
        .collect();
    assert_eq!(
        told,
        [
            "register, no faults, seed 1, local, V",
            "register, no faults, seed 2, local, V",
            "register, partition+kill, seed 1, local, V",
            "register, partition+kill, seed 2, local, V",
            "register, no faults, seed 1, local, V, with stale-strong-read",
            "register, client-link, seed 1, elsewhere, V",
            "load reads at 100/s, no faults, seed 1, local, V",
            "load reads at 100/s, partition, seed 1, local, V",
            "gate the shell, no faults, seed 0, local, V",
        ]
    );
    assert_eq!(plan.budget, Some(Duration::from_secs(1200)));
    let Work::Test {
        settings, limit, ..
    } = &plan.cells[4].work
    else {
        panic!("a test");
    };
    assert_eq!(settings.to_string(), "rate = 50\ntime-limit = 5\n");
    assert_eq!(*limit, Duration::from_secs(145));
}

#[test]
fn the_examples_are_sound() {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples");
    for (file, cells) in [("nightly.toml", 16), ("planted.toml", 3)] {
        let plan = Plan::read(&examples.join(file)).expect(file);
        assert_eq!(plan.cells.len(), cells, "{file}");
    }
}

/// What is edited in the sound file, how, and what is told then.
const EDITS: &[(&str, &str, &str)] = &[
    ("name = \"nightly\"", "name = \"../up\"", "`name`"),
    ("name = \"nightly\"", "", "missing field `name`"),
    ("time-budget", "time-bugdet", "unknown field `time-bugdet`"),
    ("\"20m\"", "\"soon\"", "`time-budget` \"soon\""),
    (
        "[\"register\"]\nfaults = [\"none\", ",
        "[\"registr\"]\nfaults = [\"none\", ",
        "matrix 1: `workloads` \"registr\"",
    ),
    (
        "partition+kill",
        "partition+earthquake",
        "matrix 1: --faults: there is no fault",
    ),
    ("\"1..2\"", "\"2..1\"", "matrix 1: `seeds` \"2..1\""),
    ("seeds = [1]", "seeds = [-1]", "matrix 2: `seeds`"),
    (
        "stale-strong-read",
        "earthquake",
        "matrix 2: --defect earthquake",
    ),
    (
        "rate = 50",
        "rte = 50",
        "matrix 2: `settings`: unknown field `rte`",
    ),
    ("rate = 50", "rate = 0", "matrix 2: --rate 0"),
    (
        "rate = 50",
        "seed = 7",
        "matrix 2: `settings.seed`: write `seeds`",
    ),
    ("seeds = [1]", "seeds = [1, 1]", "there twice"),
    ("seeds = [1]", "seeds = []", "matrix 2: it has no cell"),
    (
        "seeds = [1]",
        "seeds = [1]\nversions = [\"old\"]",
        "matrix 2: `versions` \"old\"",
    ),
    (
        "[\"elsewhere\"]",
        "[\"somewhere\"]",
        "matrix 3: `targets` \"somewhere\": there is no such target; there are local and those of [targets]: elsewhere",
    ),
    ("\"client-link\"", "\"kill\"", "matrix 3: "),
    (
        "workload = \"reads\"",
        "workload = \"raeds\"",
        "load \"reads at 100/s\": there is no load `raeds`",
    ),
    (
        "read.p99<1s",
        "raed.p99<1s",
        "load \"reads at 100/s\": --goal",
    ),
    (
        "\"--for\", ",
        "\"--fro\", ",
        "load \"reads at 100/s\": error: unexpected argument '--fro'",
    ),
    (
        "\"--for\", \"5s\"",
        "\"--seed\", \"5\"",
        "load \"reads at 100/s\": error: the argument '--seed <NUMBER>' cannot be used multiple times",
    ),
    (
        "\"true\"",
        "\"no-such-program\"",
        "gate \"the shell\": `base`",
    ),
];

#[test]
fn what_cannot_be_names_its_field() {
    for (sound, wrong, part) in EDITS {
        assert!(SOUND.contains(sound), "{sound}");
        let told = plan(&SOUND.replace(sound, wrong))
            .map(|_| ())
            .expect_err(part);
        assert!(told.contains(part), "no {part:?} in {told}");
    }
}

//! `dateline suite`: a nightly matrix.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use reports::{
    suite::{flakes, junit, markdown, resume::Again},
    text,
};

use crate::{
    exit::{Ending, Failure},
    run::style,
    suite::{self, Begin, Keep, Plan, suites_of},
};

/// `dateline suite FILE.toml`.
#[derive(Debug, Args)]
#[command(after_help = "\
The exit code is that of the worst cell, a violation above all: 0 all is well, 1 a violation, a slowdown or a missed goal, 2 something
cannot be told or did not run, 3 the harness failed. Results are in dateline-runs/suites/NAME/latest: suite.html,
suite.md, suite.json, junit.xml.

Examples:
  dateline suite examples/nightly.toml
  dateline suite examples/nightly.toml --resume          what did not run: it was killed, or out of time
  dateline suite examples/nightly.toml --rerun-failed    that, and what somebody would have to look at
  dateline suite examples/nightly.toml --flakes          cells that ended now so and now so, over all nights")]
pub(super) struct SuiteCommand {
    /// The suite
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,

    /// Go on with the latest suite of this name: run what did not run
    #[arg(long)]
    resume: bool,

    /// Go on with the latest suite of this name: run what did not run and what did not end well
    #[arg(long, conflicts_with = "resume")]
    rerun_failed: bool,

    /// Run nothing; tell which cells ended differently over the suites of this name
    #[arg(long, conflicts_with_all = ["resume", "rerun_failed"])]
    flakes: bool,

    /// How to print the summary
    #[arg(long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// How something is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    Text,
    Markdown,
    Json,
    Junit,
    Quiet,
}

impl SuiteCommand {
    pub(super) fn run(self) -> Result<Ending, Failure> {
        let plan = Plan::read(&self.file).map_err(Failure::Usage)?;
        if self.flakes {
            return self.tell_flakes(&plan);
        }
        let again = match (self.resume, self.rerun_failed) {
            (_, true) => Some(Again::Failed),
            (true, false) => Some(Again::Unfinished),
            (false, false) => None,
        };
        let begin = match again {
            Some(again) => {
                let (keep, earlier) = Keep::latest(&plan).map_err(Failure::Usage)?;
                Begin::Resume(keep, earlier, again)
            }
            None => Begin::New(Keep::create(&plan).map_err(Failure::usage)?),
        };
        let (keep, suite, ending) = suite::run(plan, begin)?;
        match self.output {
            Form::Text => {
                print!("{}", text::suite::suite(&suite, style()));
                println!("\n  page   {}", keep.path().join("suite.html").display());
                println!("  again  {}", suite.again());
            }
            Form::Markdown => print!("{}", markdown::markdown(&suite, None)),
            Form::Json => println!("{}", json(&suite)),
            Form::Junit => print!("{}", junit::junit(&suite)),
            Form::Quiet => {}
        }
        Ok(ending)
    }

    fn tell_flakes(&self, plan: &Plan) -> Result<Ending, Failure> {
        let suites = suites_of(plan).map_err(Failure::Usage)?;
        let found = flakes::flakes(&suites);
        match self.output {
            Form::Text | Form::Markdown => print!("{}", flakes::markdown(&found, suites.len())),
            Form::Json => println!("{}", json(&found)),
            Form::Junit => {
                return Err(Failure::Usage(
                    "--output junit: flakes have no JUnit form; take text, markdown or json"
                        .to_owned(),
                ));
            }
            Form::Quiet => {}
        }
        Ok(Ending::Valid)
    }
}

fn json(value: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(value).expect("it is plain data")
}

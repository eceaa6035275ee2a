//! What a run leaves on disk, and reading it back. `docs/run-folder.md` says the same in words.
//!
//! | file | what | written |
//! |---|---|---|
//! | `run.json` | [`Run`]: what was asked, resolved | at the start |
//! | `plan.json` | operations' seed and every planned fault | at the start |
//! | `history.jsonl` | header and events (`checker::history`) | as the run goes |
//! | `timeline.jsonl` | [`Moment`]s: phases and faults | as the run goes |
//! | `results.json` | figures and verdict | at the end, renamed into place |
//! | `summary.json`, `series.csv`, `latency.hdr` | a load's numbers ([`crate::load_summary`]) | at the end; as the run goes |
//! | `report.html` | one self-contained page | at the end, renamed into place |
//! | `logs/REGION.log`, `logs/harness.log` | what each process said | as the run goes |

mod error;
mod examine;
mod folder;
mod moment;
mod run;
mod write;

pub use error::FolderError;
pub use examine::Examination;
pub(crate) use folder::without_position;
pub use folder::{RunFolder, Timeline, read_json};
pub use moment::{FaultAction, FaultResult, Moment};
pub use run::{Link, Run};
pub use write::write_atomically;

//! The judge judged: every planted defect is run and must be caught by the check that is meant to, and clean runs beside them must be valid.
//!
//! [`occasion`] says what each defect needs, [`trial`] which runs there are, [`children`] runs them as processes of this same binary, [`matrix`] is the pure judgement of what
//! they found, [`show`] prints it, [`html`] is the same for a browser. Absent on purpose: how a run is made and judged; that is `dateline test`, which is tested here as it is.

mod children;
mod html;
mod matrix;
mod occasion;
mod show;
mod trial;

pub(crate) use children::{Job, run_all};
pub(crate) use html::page;
pub(crate) use matrix::{Found, Matrix, Row};
pub(crate) use occasion::needs_disk;
pub(crate) use show::table;
pub(crate) use trial::{Effort, Trial, plan};

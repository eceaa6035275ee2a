//! Everything that a run folder tells without judging it, from whatever part of it is there.

use checker::history::{
    ndjson::{ReadError, Reader},
    open,
};

use super::{FolderError, Run, RunFolder};
use crate::figures::{Figures, Sample, Survey};

/// What a run folder holds, finished or not.
#[derive(Clone, Debug)]
pub struct Examination {
    /// `run.json`.
    pub run: Run,
    /// The numbers, as far as history and timeline go.
    pub figures: Figures,
    /// The operations to draw.
    pub sample: Sample,
    /// What is missing or cut off, in words for a person.
    pub missing: Vec<String>,
}

impl RunFolder {
    /// Reads run, timeline and history, in one pass and in bounded memory. What a killed run has left is enough.
    ///
    /// # Errors
    /// `run.json` is missing, or a file is unreadable or malformed elsewhere than in a cut last line.
    pub fn examine(&self) -> Result<Examination, FolderError> {
        let run = self.run()?;
        let timeline = self.timeline()?;
        let mut missing = self.missing();
        if let Some(line) = timeline.cut_line {
            missing.push(format!(
                "timeline.jsonl ends in the middle of line {line}: what happened then is not known"
            ));
        }
        let mut survey = Survey::new(&run.regions, &timeline.moments);
        let path = self.history_path();
        if path.exists() {
            match survey_history(&mut survey, &path) {
                Ok(()) => {}
                Err(ReadError::HalfWritten { line, .. }) => missing.push(format!(
                    "history.jsonl ends in the middle of line {line}: what precedes it is shown"
                )),
                Err(source) => {
                    return Err(FolderError::History {
                        path,
                        source: Box::new(source),
                    });
                }
            }
        }
        let (figures, sample) = survey.finish();
        Ok(Examination {
            run,
            figures,
            sample,
            missing,
        })
    }
}

fn survey_history(survey: &mut Survey, path: &std::path::Path) -> Result<(), ReadError> {
    for next in Reader::new(open(path)?)? {
        let (_line, event) = next?;
        survey.event(&event);
    }
    Ok(())
}

//! Processes that are ours to start, kill, pause and stop: one for each region, whatever program it runs.

use std::sync::{Mutex, MutexGuard, PoisonError};

use nix::sys::signal::Signal;

use super::{
    Action, data_dir,
    process::{Process, ProcessSpec},
    spawner::Spawner,
};

/// One process for each region.
pub(super) struct Fleet {
    /// By region.
    spawners: Vec<Spawner>,
    processes: Vec<Mutex<Process>>,
}

impl Fleet {
    /// Nothing runs yet.
    pub(super) fn new(specs: Vec<ProcessSpec>, spawners: Vec<Spawner>) -> Self {
        assert_eq!(specs.len(), spawners.len(), "somebody starts each process");
        let processes = specs.into_iter().map(Process::new).map(Mutex::new);
        Self {
            spawners,
            processes: processes.collect(),
        }
    }

    /// Starts every process and waits until all are ready.
    pub(super) fn start(&self) -> Result<(), String> {
        for region in 0..self.processes.len() {
            self.process(region).spawn(&self.spawners[region])?;
        }
        (0..self.processes.len()).try_for_each(|region| self.process(region).wait_until_ready())
    }

    /// One that ended although nobody ended it: its region and last words. One that somebody is acting on is not looked at.
    pub(super) fn unexpected_end(&self) -> Option<String> {
        self.processes.iter().find_map(|process| {
            let mut process = process.try_lock().ok()?;
            let status = process.exited()?;
            Some(format!(
                "{} ended by itself ({status}); its last words in {}: {}",
                process.spec().region,
                process.spec().log.display(),
                process.last_words()
            ))
        })
    }

    /// Stops every process, all at once, and waits until they are gone.
    pub(super) fn stop(&self) {
        std::thread::scope(|scope| {
            for region in 0..self.processes.len() {
                scope.spawn(move || {
                    if let Err(why) = self.process(region).stop() {
                        tracing::warn!("{why}");
                    }
                });
            }
        });
    }

    /// The process of this region.
    pub(super) fn process(&self, region: usize) -> MutexGuard<'_, Process> {
        self.processes[region]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Does to a process what can be done to any; `None` for what needs its help.
    pub(super) fn act(&self, region: usize, action: &Action) -> Option<Result<(), String>> {
        Some(match action {
            Action::Kill => self.process(region).kill(),
            Action::Stop => self.process(region).stop(),
            Action::Start => {
                let mut process = self.process(region);
                process
                    .spawn(&self.spawners[region])
                    .and_then(|()| process.wait_until_ready())
            }
            Action::Pause => self.process(region).pause(),
            Action::Resume => self.process(region).signal(Signal::SIGCONT).map(|_| ()),
            Action::CopyData => data_dir::copy(&self.process(region)),
            Action::PutCopyBack => data_dir::put_copy_back(&self.process(region)),
            Action::LoseData => data_dir::lose(&self.process(region)),
            Action::Clock(_)
            | Action::Disk(_)
            | Action::Leave { .. }
            | Action::Join { .. }
            | Action::Provider(_) => return None,
        })
    }
}

//! Starts processes, all of them from one thread that lives as long as the harness.
//!
//! The parent-death signal of Linux follows the *thread* that forked, not its process: a child started by a thread that ends would be
//! told that its parent had died. So whoever wants a process sends its command here.
//!
//! The network namespace, too, is the thread's: processes of one that left the harness's are born where it went.

use std::{
    io,
    process::{Child, Command},
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use nix::{
    sched::{CloneFlags, unshare},
    unistd::{Pid, gettid},
};

/// A way to the thread. When the last clone is dropped, the thread ends.
#[derive(Clone, Debug)]
pub(crate) struct Spawner {
    orders: Sender<Order>,
}

#[derive(Debug)]
struct Order {
    command: Command,
    answer: Sender<io::Result<Child>>,
}

impl Spawner {
    pub(crate) fn start() -> io::Result<Self> {
        let (orders, inbox) = channel();
        thread::Builder::new()
            .name("spawner".into())
            .spawn(move || serve(&inbox))?;
        Ok(Self { orders })
    }

    /// One whose processes have a network of their own, at first without anything in it; and the thread whose network that is.
    pub(super) fn start_apart() -> io::Result<(Self, Pid)> {
        let (orders, inbox) = channel();
        let (moved, arrival) = channel();
        thread::Builder::new()
            .name("spawner apart".into())
            .spawn(move || {
                let apart = unshare(CloneFlags::CLONE_NEWNET).map(|()| gettid());
                let is_apart = apart.is_ok();
                if moved.send(apart).is_ok() && is_apart {
                    serve(&inbox);
                }
            })?;
        let arrived = arrival.recv().map_err(io::Error::other)?;
        Ok((Self { orders }, arrived?))
    }

    /// Starts a process.
    pub(crate) fn spawn(&self, command: Command) -> io::Result<Child> {
        let (answer, reply) = channel();
        let gone = |_| io::Error::other("the thread that starts processes has ended");
        self.orders
            .send(Order { command, answer })
            .map_err(|_| gone(()))?;
        reply.recv().map_err(|_| gone(()))?
    }
}

fn serve(inbox: &Receiver<Order>) {
    for mut order in inbox {
        let child = order.command.spawn();
        if let Err(unwanted) = order.answer.send(child)
            && let Ok(mut child) = unwanted.0
        {
            // Whoever asked is gone: nobody else would end it.
            let _ = child.kill().and_then(|()| child.wait());
        }
    }
}

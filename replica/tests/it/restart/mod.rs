//! Real processes: started, asked, killed, started again.

mod client;
mod cluster;
mod process;

mod clock;
mod durability;
mod life;
mod limits;
mod regions;

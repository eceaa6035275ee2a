//! Changes of tables that a workload asks for beside the operations of its clients. They are not in the history: clients meet what they lead to.

use checker::history::RegionId;

/// One change. It is carried out until it is done, however long that takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chore {
    /// The number of the table, among those that the workload asked for.
    pub table: u64,
    /// What is to be done to it.
    pub change: Change,
}

/// A change of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// Make it in all regions.
    Make,
    /// Remove this region, once no request to it is under way and the others have all that it wrote.
    Remove(RegionId),
    /// Add this region again, once no request to it is under way.
    Add(RegionId),
    /// Delete it in all regions.
    Delete,
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// As asked for, by the word of every region.
    Yes,
    /// The version of the table does not have it.
    Impossible,
}

//! The keys, and what is behind them.
//!
//! ```text
//!   {prefix:p}        the tag of partition p: everything of it lies in one slot of a cluster
//!
//!   of a partition    :p  hash     newest commit, floor of times, bytes written, what was released
//!                     :l  zset     tasks by creation          :d  zset   deadlines
//!                     :f  zset     change feed                :t  hash   tails
//!                     :c  stream   commits that filled slots  :n  hash   notes for the archive
//!                     :w  hash     leases and positions
//!   of a task         :k:<id>:m hash  record and position     :g  hash   the log: index, slot
//!                     :s  hash     series, heads              :x  hash   joined texts, in chunks
//!                     :o  hash     producers and keys         :q :r zset the order of their use
//!                     :z  zset     runs of one kind           :k  hash   kinds, with their counts
//!                     :u  zset     indexes that are not deltas
//!                     :y  hash     ids that an archive brought along
//!
//!   prefix:store      hash     incarnation, number of partitions
//! ```
//!
//! Nothing carries an expiry, and nothing is ever found by scanning keys.

use taskcast_core::TaskId;
use taskcast_store::Partition;

/// Names keys.
#[derive(Clone, Debug)]
pub(crate) struct Keys {
    prefix: String,
    pub(crate) partitions: u16,
}

/// What lies behind a key of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Part,
    List,
    Due,
    Feed,
    Tails,
    Commits,
    Notes,
    Work,
}

/// What lies behind a key of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum In {
    Meta,
    Log,
    Series,
    Text,
    Once,
    Producers,
    Claims,
    Runs,
    Kinds,
    Unfolded,
    Foreign,
}

/// The key of what is known of the partition with a tag.
pub(crate) fn part_of(tag: &str) -> String {
    format!("{{{tag}}}:p")
}

impl Keys {
    pub(crate) fn new(prefix: &str, partitions: u16) -> Self {
        Self {
            prefix: prefix.to_owned(),
            partitions,
        }
    }

    /// The key of what is known of the whole store.
    pub(crate) fn store(prefix: &str) -> String {
        format!("{prefix}:store")
    }

    /// The partition of a task.
    pub(crate) fn partition(&self, id: &TaskId) -> Partition {
        Partition::of(id, self.partitions)
    }

    /// Every partition.
    pub(crate) fn all(&self) -> impl Iterator<Item = Partition> + use<> {
        (0..self.partitions).map(Partition)
    }

    /// A key of a partition.
    pub(crate) fn of(&self, partition: Partition, what: Of) -> String {
        let letter = match what {
            Of::Part => 'p',
            Of::List => 'l',
            Of::Due => 'd',
            Of::Feed => 'f',
            Of::Tails => 't',
            Of::Commits => 'c',
            Of::Notes => 'n',
            Of::Work => 'w',
        };
        format!("{{{}:{}}}:{letter}", self.prefix, partition.0)
    }

    /// A key of a task.
    pub(crate) fn task(&self, id: &TaskId, what: In) -> String {
        let letter = match what {
            In::Meta => 'm',
            In::Log => 'g',
            In::Series => 's',
            In::Text => 'x',
            In::Once => 'o',
            In::Producers => 'q',
            In::Claims => 'r',
            In::Runs => 'z',
            In::Kinds => 'k',
            In::Unfolded => 'u',
            In::Foreign => 'y',
        };
        let partition = self.partition(id).0;
        format!("{{{}:{partition}}}:k:{}:{letter}", self.prefix, id.as_str())
    }

    /// Every key that a script which changes a task works with, in the order of `common.lua`.
    pub(crate) fn everything(&self, id: &TaskId) -> Vec<String> {
        let partition = self.partition(id);
        let shared = [
            Of::Part,
            Of::List,
            Of::Due,
            Of::Feed,
            Of::Tails,
            Of::Commits,
            Of::Notes,
        ];
        let own = [
            In::Meta,
            In::Log,
            In::Series,
            In::Text,
            In::Once,
            In::Producers,
            In::Claims,
            In::Runs,
            In::Kinds,
            In::Unfolded,
            In::Foreign,
        ];
        let shared = shared.into_iter().map(|what| self.of(partition, what));
        let own = own.into_iter().map(|what| self.task(id, what));
        shared.chain(own).collect()
    }

    /// The channel on which a task's tail is told.
    pub(crate) fn channel(&self, id: &TaskId) -> String {
        let partition = self.partition(id).0;
        format!("{{{}:{partition}}}:h:{}", self.prefix, id.as_str())
    }

    /// The task that a channel is about.
    pub(crate) fn task_of<'a>(&self, channel: &'a str) -> Option<&'a str> {
        let (tag, id) = channel.split_once("}:h:")?;
        tag.strip_prefix('{')?.strip_prefix(self.prefix.as_str())?;
        Some(id)
    }
}

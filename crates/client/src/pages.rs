//! What is read in pages or pieces: lists, histories, archives.

use crate::call::{Call, Target};
use crate::client::Client;
use crate::tasks::path;
use crate::{ClientError, SeriesFormat, Since};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use hyper::body::Incoming;
use taskcast_api::{TaskEvent, TaskList, TaskView};
use taskcast_core::{Level, Status, TaskId};

/// The most events asked for at once.
const PAGE: u64 = 1_000;

/// Which tasks are listed, and how many at once. All conditions have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListOptions {
    /// Only these statuses; all when empty.
    pub statuses: Vec<Status>,
    /// Only types that match one of these patterns (`llm.*`); all when empty.
    pub types: Vec<String>,
    /// Only tasks that have all of these tags.
    pub tags: Vec<String>,
    /// Tasks per page, 1 to 1000.
    pub limit: Option<u64>,
}

/// Which past events are read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryOptions {
    /// Only types that match one of these patterns; all when absent.
    pub types: Option<Vec<String>>,
    /// Only these levels; all when absent.
    pub levels: Option<Vec<Level>>,
    /// Whether each `accumulate` series is folded into one event.
    pub format: SeriesFormat,
    /// Where to begin. An index is the index in the log.
    pub since: Since,
    /// The most events; all when absent.
    pub limit: Option<u64>,
}

impl Client {
    /// One page of tasks, newest first. `cursor` is the `next_cursor` of the page before.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn list_tasks(
        &self,
        options: &ListOptions,
        cursor: Option<&str>,
    ) -> Result<TaskList, ClientError> {
        let statuses: Vec<&str> = options.statuses.iter().map(|s| s.as_str()).collect();
        let target = Target::new("/tasks")
            .list("status", some(&statuses))
            .list("type", some(&options.types))
            .list("tags", some(&options.tags))
            .number("limit", options.limit)
            .with("cursor", cursor);
        self.answer(&Call::get(target)).await
    }

    /// All pages of tasks, newest first.
    #[must_use]
    pub fn tasks(&self, options: ListOptions) -> TaskPages {
        TaskPages {
            client: self.clone(),
            options,
            next: Next::First,
        }
    }

    /// Past events in pages, oldest first.
    #[must_use]
    pub fn history(&self, task: &TaskId, options: HistoryOptions) -> HistoryPages {
        HistoryPages {
            client: self.clone(),
            task: task.clone(),
            since: options.since.clone(),
            left: options.limit,
            // A limit of 0 would be none to the server.
            over: options.limit == Some(0),
            options,
        }
    }

    /// The archive of a task, piece by piece; `full` writes the log as it is, else each series is
    /// one event.
    ///
    /// # Errors
    /// 404 when there is no such task.
    pub async fn export(&self, task: &TaskId, full: bool) -> Result<Export, ClientError> {
        let target = Target::new(path(task, "/archive")).with("full", full.then_some("true"));
        let response = self.open(&Call::get(target)).await?;
        Ok(Export {
            client: self.clone(),
            body: response.into_body(),
        })
    }
}

fn some<T>(words: &[T]) -> Option<&[T]> {
    (!words.is_empty()).then_some(words)
}

/// The pages of a list of tasks.
#[derive(Debug)]
pub struct TaskPages {
    client: Client,
    options: ListOptions,
    next: Next,
}

#[derive(Debug)]
enum Next {
    First,
    After(String),
    Over,
}

impl TaskPages {
    /// The next page; none after the last. A page may be empty when a filter is sparse. Dropped
    /// before it is ready or failed, the same page comes next.
    ///
    /// # Errors
    /// As [`ClientError`] says.
    pub async fn next_page(&mut self) -> Result<Option<Vec<TaskView>>, ClientError> {
        let cursor = match &self.next {
            Next::First => None,
            Next::After(cursor) => Some(cursor.as_str()),
            Next::Over => return Ok(None),
        };
        let list = self.client.list_tasks(&self.options, cursor).await?;
        self.next = list.next_cursor.map_or(Next::Over, Next::After);
        Ok(Some(list.tasks))
    }

    /// The tasks one by one. Ends after the first error.
    pub fn into_stream(self) -> impl Stream<Item = Result<TaskView, ClientError>> + Send {
        let state = (self, Vec::new().into_iter());
        stream::unfold(state, |(mut pages, mut page)| async move {
            loop {
                if let Some(task) = page.next() {
                    return Some((Ok(task), (pages, page)));
                }
                match pages.next_page().await {
                    Ok(Some(tasks)) => page = tasks.into_iter(),
                    Ok(None) => return None,
                    Err(error) => {
                        pages.next = Next::Over;
                        return Some((Err(error), (pages, page)));
                    }
                }
            }
        })
    }
}

/// The pages of a history.
#[derive(Debug)]
pub struct HistoryPages {
    client: Client,
    task: TaskId,
    options: HistoryOptions,
    since: Since,
    left: Option<u64>,
    over: bool,
}

impl HistoryPages {
    /// The next page; none after the last. Dropped before it is ready or failed, the same page
    /// comes next.
    ///
    /// # Errors
    /// 404 when there is no such task; others as [`ClientError`] says.
    pub async fn next_page(&mut self) -> Result<Option<Vec<TaskEvent>>, ClientError> {
        if self.over {
            return Ok(None);
        }
        // Folded events stand for many: they come in one answer.
        let asked = match self.options.format {
            SeriesFormat::Delta => Some(self.left.map_or(PAGE, |left| left.min(PAGE))),
            SeriesFormat::Accumulated => self.left,
        };
        let events: Vec<TaskEvent> = self.client.answer(&Call::get(self.target(asked))).await?;
        let count = events.len() as u64;
        self.left = self.left.map(|left| left.saturating_sub(count));
        self.over = self.options.format == SeriesFormat::Accumulated
            || asked.is_some_and(|asked| count < asked)
            || self.left == Some(0);
        if let Some(last) = events.last() {
            self.since = Since::Index(i64::try_from(last.index.0).unwrap_or(i64::MAX));
        }
        Ok((count > 0).then_some(events))
    }

    /// Everything that is left.
    ///
    /// # Errors
    /// As [`next_page`](Self::next_page).
    pub async fn collect(mut self) -> Result<Vec<TaskEvent>, ClientError> {
        let mut events = Vec::new();
        while let Some(page) = self.next_page().await? {
            events.extend(page);
        }
        Ok(events)
    }

    fn target(&self, limit: Option<u64>) -> Target {
        let levels = self.options.levels.as_ref().map(|levels| words_of(levels));
        let target = Target::new(path(&self.task, "/events/history"))
            .list("types", self.options.types.as_deref())
            .list("levels", levels.as_deref())
            .with("seriesFormat", self.options.format.word())
            .number("limit", limit);
        self.since.write(target)
    }
}

pub(crate) fn words_of(levels: &[Level]) -> Vec<&'static str> {
    levels.iter().map(|level| level.as_str()).collect()
}

/// An archive as it arrives.
#[derive(Debug)]
pub struct Export {
    client: Client,
    body: Incoming,
}

impl Export {
    /// The next bytes; none at the end.
    ///
    /// # Errors
    /// When the connection breaks: what came so far is no archive.
    pub async fn next_chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        self.client.chunk(&mut self.body).await
    }
}

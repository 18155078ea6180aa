//! The port for reading logs, for each store that has a file of them.

use crate::{SqliteArchive, SqliteStore};
use async_trait::async_trait;
use bytes::Bytes;
use std::ops::Range;
use taskcast_core::{Epoch, EventFilter, Index, SeriesId, TaskId};
use taskcast_store::{Heads, LogReader, Page, ReadAsk, ReadError, Seek};

/// Lets a store read from its file.
macro_rules! reads_its_file {
    ($store:ty) => {
        #[async_trait]
        impl LogReader for $store {
            async fn read(
                &self,
                id: &TaskId,
                epoch: Epoch,
                ask: ReadAsk,
            ) -> Result<Page, ReadError> {
                LogReader::read(&self.database, id, epoch, ask).await
            }

            async fn heads(&self, id: &TaskId, epoch: Epoch) -> Result<Heads, ReadError> {
                self.database.heads(id, epoch).await
            }

            async fn text(
                &self,
                id: &TaskId,
                epoch: Epoch,
                series: &SeriesId,
                run: Index,
                range: Range<u64>,
            ) -> Result<Bytes, ReadError> {
                self.database.text(id, epoch, series, run, range).await
            }

            async fn count(
                &self,
                id: &TaskId,
                epoch: Epoch,
                filter: &EventFilter,
                upto: Index,
            ) -> Result<u64, ReadError> {
                self.database.count(id, epoch, filter, upto).await
            }

            async fn seek(
                &self,
                id: &TaskId,
                epoch: Epoch,
                seek: Seek,
            ) -> Result<Option<Index>, ReadError> {
                self.database.seek(id, epoch, seek).await
            }
        }
    };
}

reads_its_file!(SqliteStore);
reads_its_file!(SqliteArchive);

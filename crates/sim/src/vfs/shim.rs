//! The VFS itself: the system's VFS with a [`Disk`] in between. The one unsafe module.
#![allow(
    unsafe_code,
    reason = "a VFS is a table of C functions; tests alone use it"
)]

use super::disk::{Disk, Undo};
use rusqlite::ffi;
use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;
use std::sync::Arc;

/// A file of this VFS; the file of the system's VFS follows it in memory.
#[repr(C)]
struct File {
    base: ffi::sqlite3_file,
    disk: *const Disk,
    /// Where the file is; null for temporary files, which no crash concerns.
    path: *mut PathBuf,
}

/// What the VFS is made of; lives as long as the process, as registered VFS do.
struct Parts {
    real: *mut ffi::sqlite3_vfs,
    disk: Arc<Disk>,
}

/// Registers a VFS with this name over a new disk. Both live as long as the process.
pub(crate) fn install(name: &str) -> Option<Arc<Disk>> {
    let name = CString::new(name).ok()?;
    let disk = Arc::new(Disk::default());
    // SAFETY: a null name finds the default VFS, which is never unregistered here; it is copied
    // field by field. What is registered is leaked, so it outlives every use.
    unsafe {
        let real = ffi::sqlite3_vfs_find(ptr::null());
        let size = c_int::try_from(size_of::<File>()).ok()?;
        let parts = Parts {
            real,
            disk: disk.clone(),
        };
        let vfs = ffi::sqlite3_vfs {
            iVersion: 1,
            szOsFile: size + real.as_ref()?.szOsFile,
            pNext: ptr::null_mut(),
            zName: name.into_raw(),
            pAppData: Box::into_raw(Box::new(parts)).cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            ..*real
        };
        let vfs = Box::into_raw(Box::new(vfs));
        (ffi::sqlite3_vfs_register(vfs, 0) == ffi::SQLITE_OK).then_some(disk)
    }
}

/// The parts of a VFS.
///
/// # Safety
/// `vfs` is one that [`install`] registered.
unsafe fn parts<'a>(vfs: *mut ffi::sqlite3_vfs) -> &'a Parts {
    // SAFETY: `install` put leaked `Parts` there.
    unsafe { &*(*vfs).pAppData.cast::<Parts>() }
}

/// The system's file behind a file.
///
/// # Safety
/// `file` is a file of this VFS.
unsafe fn real(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: `szOsFile` makes room for it behind `File`, whose size is a multiple of its alignment.
    unsafe { file.cast::<File>().add(1).cast() }
}

/// The table of the system's file behind a file.
///
/// # Safety
/// `file` is an open file of this VFS.
unsafe fn table<'a>(file: *mut ffi::sqlite3_file) -> &'a ffi::sqlite3_io_methods {
    // SAFETY: the system's VFS set the table when it opened the file.
    unsafe { &*(*real(file)).pMethods }
}

/// Calls a function of a table that has one, else answers with an error. The arguments have to be
/// those that SQLite gave for this very function.
macro_rules! call {
    ($function:expr, $($argument:expr),*) => {
        match $function {
            Some(function) => function($($argument),*),
            None => ffi::SQLITE_ERROR,
        }
    };
}

/// Functions of a file that go on to the system's file as they are.
macro_rules! pass_on {
    ($($name:ident = $field:ident($($argument:ident: $kind:ty),*);)*) => {$(
        unsafe extern "C" fn $name(file: *mut ffi::sqlite3_file $(, $argument: $kind)*) -> c_int {
            // SAFETY: SQLite calls it with an open file of this VFS; the arguments are its own.
            unsafe { call!(table(file).$field, real(file) $(, $argument)*) }
        }
    )*};
}

pass_on! {
    read = xRead(into: *mut c_void, count: c_int, offset: i64);
    file_size = xFileSize(size: *mut i64);
    lock = xLock(level: c_int);
    unlock = xUnlock(level: c_int);
    check_reserved = xCheckReservedLock(result: *mut c_int);
    file_control = xFileControl(operation: c_int, argument: *mut c_void);
    sector_size = xSectorSize();
    characteristics = xDeviceCharacteristics();
    shm_map = xShmMap(page: c_int, size: c_int, extend: c_int, region: *mut *mut c_void);
    shm_lock = xShmLock(offset: c_int, count: c_int, flags: c_int);
    shm_unmap = xShmUnmap(delete: c_int);
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: SQLite calls it with an open file of this VFS.
    let (table, real) = unsafe { (table(file), real(file)) };
    if let Some(function) = table.xShmBarrier {
        // SAFETY: as above.
        unsafe { function(real) }
    }
}

/// Version 2: with shared memory for the write-ahead log, without mapped pages, which would change
/// files behind the disk's back.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out: *mut c_int,
) -> c_int {
    const LASTING: c_int =
        ffi::SQLITE_OPEN_MAIN_DB | ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL;
    // SAFETY: SQLite calls it with this VFS and with `szOsFile` bytes for the file; a table of null
    // says that the file needs no closing. A name is a C string that lives as long as the file.
    unsafe {
        (*file).pMethods = ptr::null();
        let parts = parts(vfs);
        if parts.disk.is_dead() {
            return ffi::SQLITE_CANTOPEN;
        }
        let code = call!(
            (*parts.real).xOpen,
            parts.real,
            name,
            real(file),
            flags,
            out
        );
        if code == ffi::SQLITE_OK {
            let lasts = flags & LASTING != 0 && !name.is_null();
            let path = || PathBuf::from(OsStr::from_bytes(CStr::from_ptr(name).to_bytes()));
            let path = lasts.then(|| Box::into_raw(Box::new(path())));
            let own = file.cast::<File>();
            (*own).disk = Arc::as_ptr(&parts.disk);
            (*own).path = path.unwrap_or(ptr::null_mut());
            (*file).pMethods = &raw const METHODS;
        }
        code
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes an open file of this VFS once; `open` boxed the path.
    unsafe {
        let path = (*file.cast::<File>()).path;
        if !path.is_null() {
            drop(Box::from_raw(path));
        }
        call!(table(file).xClose, real(file))
    }
}

/// The disk and the path of a file that lasts.
///
/// # Safety
/// `file` is an open file of this VFS.
unsafe fn lasting<'a>(file: *mut ffi::sqlite3_file) -> Option<(&'a Disk, &'a PathBuf)> {
    // SAFETY: `open` set both; the disk is kept by the VFS, the path until `close`.
    unsafe {
        let own = file.cast::<File>();
        (*own).path.as_ref().map(|path| (&*(*own).disk, path))
    }
}

/// What stands between `offset` and the end of a change, and the length of the file.
///
/// # Safety
/// `file` is an open file of this VFS.
unsafe fn undo(file: *mut ffi::sqlite3_file, offset: i64, end: i64) -> Option<Undo> {
    // SAFETY: the table and the file belong together; the buffer is as long as said.
    unsafe {
        let mut length = 0;
        let found = call!(table(file).xFileSize, real(file), &raw mut length);
        let count = (end.min(length) - offset).max(0);
        let mut before = vec![0_u8; usize::try_from(count).ok()?];
        let into = before.as_mut_ptr().cast();
        let size = c_int::try_from(count).ok()?;
        let read = match size {
            0 => ffi::SQLITE_OK,
            _ => call!(table(file).xRead, real(file), into, size, offset),
        };
        (found == ffi::SQLITE_OK && read == ffi::SQLITE_OK).then_some(Undo {
            length: u64::try_from(length).ok()?,
            offset: u64::try_from(offset).ok()?,
            before,
        })
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    from: *const c_void,
    count: c_int,
    offset: i64,
) -> c_int {
    // SAFETY: SQLite calls it with an open file of this VFS and `count` bytes.
    let (place, table, real) = unsafe { (lasting(file), table(file), real(file)) };
    // SAFETY: the arguments are its own.
    let change = || unsafe { call!(table.xWrite, real, from, count, offset) };
    let Some((disk, path)) = place else {
        return change();
    };
    // SAFETY: as above.
    let undo = || unsafe { undo(file, offset, offset + i64::from(count)) };
    disk.change(path, undo, change)
        .unwrap_or(ffi::SQLITE_IOERR_WRITE)
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, size: i64) -> c_int {
    // SAFETY: SQLite calls it with an open file of this VFS.
    let (place, table, real) = unsafe { (lasting(file), table(file), real(file)) };
    // SAFETY: the arguments are its own.
    let change = || unsafe { call!(table.xTruncate, real, size) };
    let Some((disk, path)) = place else {
        return change();
    };
    // SAFETY: as above.
    let undo = || unsafe { undo(file, size, i64::MAX) };
    disk.change(path, undo, change)
        .unwrap_or(ffi::SQLITE_IOERR_TRUNCATE)
}

/// The disk knows what was synced; the disk of this machine is not asked.
unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: SQLite calls it with an open file of this VFS.
    match unsafe { lasting(file) } {
        Some((disk, path)) if !disk.sync(path) => ffi::SQLITE_IOERR_FSYNC,
        _ => ffi::SQLITE_OK,
    }
}

/// The write-ahead log is deleted when the last connection closes; then it is gone for good.
unsafe extern "C" fn delete(vfs: *mut ffi::sqlite3_vfs, name: *const c_char, sync: c_int) -> c_int {
    // SAFETY: SQLite calls it with this VFS and a C string.
    unsafe {
        let parts = parts(vfs);
        let path = PathBuf::from(OsStr::from_bytes(CStr::from_ptr(name).to_bytes()));
        match parts.disk.sync(&path) {
            true => call!((*parts.real).xDelete, parts.real, name, sync),
            false => ffi::SQLITE_IOERR_DELETE,
        }
    }
}

/// Functions of the VFS that go on to the system's VFS as they are.
macro_rules! pass_on_vfs {
    ($($name:ident = $field:ident($($argument:ident: $kind:ty),*);)*) => {$(
        unsafe extern "C" fn $name(vfs: *mut ffi::sqlite3_vfs $(, $argument: $kind)*) -> c_int {
            // SAFETY: SQLite calls it with this VFS.
            unsafe {
                let real = parts(vfs).real;
                call!((*real).$field, real $(, $argument)*)
            }
        }
    )*};
}

pass_on_vfs! {
    access = xAccess(name: *const c_char, flags: c_int, result: *mut c_int);
    full_pathname = xFullPathname(name: *const c_char, size: c_int, out: *mut c_char);
    randomness = xRandomness(size: c_int, out: *mut c_char);
    sleep = xSleep(micros: c_int);
    current_time = xCurrentTime(out: *mut f64);
    last_error = xGetLastError(size: c_int, out: *mut c_char);
}

//! Finds the library and its functions, once for the process.

#![allow(unsafe_code, reason = "functions of a C library are found by name")]

use std::ffi::{CString, c_int};
use std::ptr;
use std::sync::OnceLock;

use crate::error::{Error, Kind};
use crate::raw::{
    self, Buffer, ERRORS, Handle, KERBEROS, KeyValue, KeyValues, Oid, OidSet, Status,
};

/// MIT Kerberos under its names on Linux and macOS, then Heimdal.
const NAMES: [&str; 5] = [
    "libgssapi_krb5.so.2",
    "libgssapi_krb5.so",
    "/System/Library/Frameworks/GSS.framework/GSS",
    "libgssapi.so.3",
    "libgssapi_krb5.dylib",
];

/// What to install where.
const MISSING: &str = "the system has no GSSAPI library for Kerberos: install libgssapi-krb5-2 (Debian, Ubuntu), \
                       krb5-libs (RHEL, Fedora, Alpine) or krb5 (SUSE, Arch)";

/// The functions that are used. They stay valid as long as the process.
pub(crate) struct Library {
    /// The file that was loaded.
    name: &'static str,
    pub(crate) import_name: raw::ImportName,
    pub(crate) release_name: raw::ReleaseName,
    pub(crate) display_name: raw::DisplayName,
    pub(crate) release_buffer: raw::ReleaseBuffer,
    pub(crate) release_credentials: raw::ReleaseCredentials,
    pub(crate) delete_context: raw::DeleteContext,
    pub(crate) display_status: raw::DisplayStatus,
    pub(crate) acquire_from: raw::AcquireFrom,
    pub(crate) init_context: raw::InitContext,
    pub(crate) accept_context: raw::AcceptContext,
}

static LIBRARY: OnceLock<Result<Library, Error>> = OnceLock::new();

/// Whether the library is there. Loads it.
///
/// # Errors
/// [`Kind::NoLibrary`], with the packages that have it.
pub fn is_available() -> Result<(), Error> {
    library().map(|_| ())
}

/// The file that was loaded; `None` if none was, or none was needed yet.
pub fn loaded() -> Option<&'static str> {
    let found = LIBRARY.get()?.as_ref().ok()?;
    Some(found.name)
}

pub(crate) fn library() -> Result<&'static Library, Error> {
    let found = LIBRARY.get_or_init(|| load(&NAMES));
    found.as_ref().map_err(Clone::clone)
}

fn load(names: &[&'static str]) -> Result<Library, Error> {
    // A program without a dynamic linker of its own cannot load a library safely.
    if cfg!(target_feature = "crt-static") {
        return Err(Error::new(
            Kind::NoLibrary,
            "Kerberos is not in this build, whose C library is linked statically: use the .deb or the image",
        ));
    }
    let mut last = None;
    for name in names {
        // Safe as far as any system library is: its constructors run.
        match unsafe { libloading::Library::new(*name) } {
            Ok(file) => return functions(name, file),
            Err(error) => last = last.or(Some(error)),
        }
    }
    let cause = last.map(|error| error.to_string()).unwrap_or_default();
    Err(Error::new(Kind::NoLibrary, format!("{MISSING} ({cause})")))
}

fn functions(name: &'static str, file: libloading::Library) -> Result<Library, Error> {
    // The library is never unloaded: threads of its own may be left.
    let file: &'static libloading::Library = Box::leak(Box::new(file));
    let absent = |error: libloading::Error| {
        Error::new(
            Kind::NoLibrary,
            format!("{name} lacks a function: {error}; MIT Kerberos 1.11 or later is needed"),
        )
    };
    /// Each has the type that RFC 2744 declares.
    macro_rules! function {
        ($name:literal) => {
            *unsafe { file.get($name) }.map_err(absent)?
        };
    }
    Ok(Library {
        name,
        import_name: function!(b"gss_import_name\0"),
        release_name: function!(b"gss_release_name\0"),
        display_name: function!(b"gss_display_name\0"),
        release_buffer: function!(b"gss_release_buffer\0"),
        release_credentials: function!(b"gss_release_cred\0"),
        delete_context: function!(b"gss_delete_sec_context\0"),
        display_status: function!(b"gss_display_status\0"),
        acquire_from: function!(b"gss_acquire_cred_from\0"),
        init_context: function!(b"gss_init_sec_context\0"),
        accept_context: function!(b"gss_accept_sec_context\0"),
    })
}

impl Library {
    /// A status without an error, or the error in the library's words.
    pub(crate) fn check(&self, major: Status, minor: Status) -> Result<Status, Error> {
        if major & ERRORS == 0 {
            return Ok(major);
        }
        let mut text = self.words(major, raw::GSS_CODE);
        let cause = self.words(minor, raw::MECHANISM_CODE);
        if minor != 0 && !cause.is_empty() {
            text = format!("{text}: {cause}");
        }
        Err(Error::new(crate::error::kind(major, minor), text))
    }

    fn words(&self, status: Status, kind: c_int) -> String {
        let mechanism = Oid::new(KERBEROS);
        let (mut minor, mut more, mut buffer) = (0, 0, Buffer::empty());
        // All pointers are to locals that outlive the call.
        let found = unsafe {
            (self.display_status)(&mut minor, status, kind, &mechanism, &mut more, &mut buffer)
        };
        let bytes = self.take(buffer);
        if found & ERRORS == 0 {
            String::from_utf8_lossy(&bytes).into_owned()
        } else {
            format!("status {status}")
        }
    }

    /// The bytes of a buffer that the library filled; gives the buffer back to it.
    pub(crate) fn take(&self, mut buffer: Buffer) -> Vec<u8> {
        if buffer.value.is_null() {
            return Vec::new();
        }
        // The library says how many bytes it put there.
        let bytes = unsafe { std::slice::from_raw_parts(buffer.value.cast::<u8>(), buffer.length) };
        let bytes = bytes.to_vec();
        let mut minor = 0;
        unsafe { (self.release_buffer)(&mut minor, &mut buffer) };
        bytes
    }

    /// A name of the form `service/host@REALM` or `user@REALM`.
    pub(crate) fn principal(&'static self, name: &str) -> Result<Name, Error> {
        let (kind, text) = (Oid::new(raw::PRINCIPAL_NAME), Buffer::lent(name.as_bytes()));
        let (mut minor, mut handle) = (0, ptr::null_mut());
        // The library copies the name.
        let major = unsafe { (self.import_name)(&mut minor, &text, &kind, &mut handle) };
        self.check(major, minor)?;
        Ok(Name {
            library: self,
            handle,
        })
    }

    /// Credentials from a store of MIT's (`gss_acquire_cred_from`).
    pub(crate) fn acquire(
        &'static self,
        principal: Option<&str>,
        usage: c_int,
        store: &[(&str, String)],
    ) -> Result<Held, Error> {
        let text = |text: &str| {
            CString::new(text).map_err(|_| Error::new(Kind::Other, "a file name holds a zero byte"))
        };
        let mut texts = Vec::new();
        for (key, value) in store {
            texts.push((text(key)?, text(value)?));
        }
        let elements: Vec<KeyValue> = texts
            .iter()
            .map(|(key, value)| KeyValue {
                key: key.as_ptr(),
                value: value.as_ptr(),
            })
            .collect();
        let store = KeyValues {
            count: elements.len() as u32,
            elements: elements.as_ptr(),
        };
        let mechanism = Oid::new(KERBEROS);
        let mechanisms = OidSet {
            count: 1,
            elements: &mechanism,
        };
        let name = principal.map(|name| self.principal(name)).transpose()?;
        let name: Handle = name.as_ref().map_or(ptr::null_mut(), |name| name.handle);
        let (mut minor, mut handle) = (0, ptr::null_mut());
        // The library copies what it keeps; everything pointed to outlives the call.
        let major = unsafe {
            (self.acquire_from)(
                &mut minor,
                name,
                u32::MAX,
                &mechanisms,
                usage,
                &store,
                &mut handle,
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        let held = Held {
            library: self,
            handle,
        };
        self.check(major, minor)?;
        Ok(held)
    }
}

/// A name in the library's form.
pub(crate) struct Name {
    pub(crate) library: &'static Library,
    pub(crate) handle: Handle,
}

impl Drop for Name {
    fn drop(&mut self) {
        let mut minor = 0;
        // Made by the library, and given back once.
        unsafe { (self.library.release_name)(&mut minor, &mut self.handle) };
    }
}

/// Keys or tickets in the library's form.
pub(crate) struct Held {
    pub(crate) library: &'static Library,
    pub(crate) handle: Handle,
}

impl Held {
    /// None: the library then uses the process's own tickets.
    pub(crate) fn none(library: &'static Library) -> Self {
        Self {
            library,
            handle: ptr::null_mut(),
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            let mut minor = 0;
            // Made by the library, and given back once.
            unsafe { (self.library.release_credentials)(&mut minor, &mut self.handle) };
        }
    }
}

/// A security context in the library's form; null before the first step.
pub(crate) struct Context {
    pub(crate) library: &'static Library,
    pub(crate) handle: Handle,
}

impl Drop for Context {
    fn drop(&mut self) {
        if !self.handle.is_null() {
            let mut minor = 0;
            // Made by the library, and given back once; no token is asked for.
            unsafe {
                (self.library.delete_context)(&mut minor, &mut self.handle, ptr::null_mut());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_without_the_library_is_told_which_package_has_it() {
        let error = load(&["libgssapi-of-nobody.so.9"])
            .err()
            .expect("no library");
        assert_eq!(error.kind(), Kind::NoLibrary);
        assert!(error.to_string().contains("libgssapi-krb5-2"), "{error}");
    }

    #[test]
    fn a_library_of_another_kind_is_told_from_none() {
        let error = load(&["libc.so.6"]).err().expect("no GSSAPI");
        assert!(error.to_string().contains("lacks a function"), "{error}");
    }
}

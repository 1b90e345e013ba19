//! The server's end of a security context.

#![allow(unsafe_code, reason = "calls into the C library")]

use std::path::Path;
use std::ptr;

use crate::error::Error;
use crate::library::{Context, Held, Library, Name, library};
use crate::raw::{ACCEPT, Buffer, CONTINUE_NEEDED};
use crate::step::Step;

/// The server's end of a security context.
pub struct Acceptor {
    library: &'static Library,
    context: Context,
    keys: Held,
    client: Option<Name>,
}

// The library's objects may be used by any thread, one at a time.
unsafe impl Send for Acceptor {}

impl Acceptor {
    /// A context for whichever service has its key in this file.
    ///
    /// # Errors
    /// No library, or no key.
    pub fn new(keytab: &Path) -> Result<Self, Error> {
        let library = library()?;
        let store = [("keytab", keytab.to_string_lossy().into_owned())];
        Ok(Self {
            library,
            context: Context {
                library,
                handle: ptr::null_mut(),
            },
            keys: library.acquire(None, ACCEPT, &store)?,
            client: None,
        })
    }

    /// Takes the client's token and makes the answer.
    ///
    /// # Errors
    /// A ticket for another service, from another time, or of another key.
    pub fn step(&mut self, received: &[u8]) -> Result<Step, Error> {
        let input = Buffer::lent(received);
        let (mut minor, mut output, mut client) = (0, Buffer::empty(), ptr::null_mut());
        // Pointers are to locals and to what this object holds; the context is made or moved on.
        let major = unsafe {
            (self.library.accept_context)(
                &mut minor,
                &mut self.context.handle,
                self.keys.handle,
                &input,
                ptr::null(),
                &mut client,
                ptr::null_mut(),
                &mut output,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
            )
        };
        if !client.is_null() {
            self.client = Some(Name {
                library: self.library,
                handle: client,
            });
        }
        let token = self.library.take(output);
        let major = self.library.check(major, minor)?;
        Ok(Step {
            token,
            done: major & CONTINUE_NEEDED == 0,
        })
    }

    /// Who the client is, as `user@REALM`; empty before it is known.
    ///
    /// # Errors
    /// The library cannot say.
    pub fn client(&self) -> Result<String, Error> {
        let Some(client) = &self.client else {
            return Ok(String::new());
        };
        let (mut minor, mut text) = (0, Buffer::empty());
        // The name lives as long as this object.
        let major = unsafe {
            (self.library.display_name)(&mut minor, client.handle, &mut text, ptr::null_mut())
        };
        let text = self.library.take(text);
        self.library.check(major, minor)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}

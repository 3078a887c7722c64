//! The crate's one error type.
//!
//! An error says what went wrong (with the operation, the operand types and shapes), where (the user's own source line,
//! kept by `#[track_caller]` when the expression was written), and, where there is an obvious way out, what to do instead.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A place in the user's program: a call in Rust, or an operation of the text language.
///
/// It prints as `src/main.rs:12:5`, or `<text>:3:7` for the third line of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Site(Place);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Rust(&'static Location<'static>),
    #[cfg_attr(not(feature = "text"), expect(dead_code, reason = "texts are read with that feature"))]
    Text {
        line: u32,
        column: u32,
    },
}

impl Site {
    /// Where the function that calls this one was called, if it has `#[track_caller]`.
    #[track_caller]
    pub(crate) fn caller() -> Site {
        Site(Place::Rust(Location::caller()))
    }

    /// A place in a text, with its line and its column counted from 1.
    #[cfg(feature = "text")]
    pub(crate) fn text(line: u32, column: u32) -> Site {
        Site(Place::Text { line, column })
    }

    /// True for a place in a text.
    pub fn is_text(&self) -> bool {
        matches!(self.0, Place::Text { .. })
    }

    /// The source file as the compiler was given it; `<text>` for a text.
    pub fn file(&self) -> &'static str {
        match self.0 {
            Place::Rust(at) => at.file(),
            Place::Text { .. } => "<text>",
        }
    }

    /// The line, from 1.
    pub fn line(&self) -> u32 {
        match self.0 {
            Place::Rust(at) => at.line(),
            Place::Text { line, .. } => line,
        }
    }

    /// The column, from 1.
    pub fn column(&self) -> u32 {
        match self.0 {
            Place::Rust(at) => at.column(),
            Place::Text { column, .. } => column,
        }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file(), self.line(), self.column())
    }
}

/// The result type of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of mistake an [`Error`] reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Shapes that do not broadcast, an axis out of range, sizes that contradict each other.
    Shape,
    /// An operation that is not defined on its operands' element types.
    DType,
    /// Strides or byte ranges that do not describe valid memory for the request.
    Layout,
    /// A kernel call with a missing, unknown or ill-fitting argument.
    Bind,
    /// Something that NumPy or this crate could mean, but that elide does not do yet.
    Unsupported,
    /// Text that is not an expression of the language.
    Syntax,
    /// A name that stands for nothing.
    Name,
    /// A file that cannot be read, understood or written.
    Io,
    /// A kernel that does not keep to what was required of it.
    Contract,
    /// The machine cannot run the code that was asked for, or the code generator refused it.
    Codegen,
}

/// Why something could not be built, bound or read.
///
/// Cheap to clone: an expression keeps its first error until a place that can return it.
#[derive(Clone)]
pub struct Error(Arc<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    site: Option<Site>,
    help: Option<String>,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Arc::new(Inner { kind, message: message.into(), site: None, help: None }))
    }

    /// Adds the user's call site, unless one is known already.
    pub(crate) fn at(mut self, site: Site) -> Self {
        let inner = Arc::make_mut(&mut self.0);
        inner.site.get_or_insert(site);
        self
    }

    /// Adds what to do instead.
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.0).help = Some(help.into());
        self
    }

    /// What kind of mistake this is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The message alone, without the call site and the advice.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the user's program the offending operation was written.
    pub fn site(&self) -> Option<Site> {
        self.0.site
    }

    /// What to do instead, where there is an obvious answer.
    pub fn advice(&self) -> Option<&str> {
        self.0.help.as_deref()
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)?;
        if let Some(site) = self.0.site {
            write!(f, "\n  at {site}")?;
        }
        if let Some(help) = &self.0.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {}

/// For conversions that cannot fail.
impl From<std::convert::Infallible> for Error {
    fn from(never: std::convert::Infallible) -> Error {
        match never {}
    }
}

/// Shorthand for an early return with an [`Error`] of the given kind.
macro_rules! bail {
    ($kind:ident, $($fmt:tt)+) => {
        return Err($crate::error::Error::new($crate::error::ErrorKind::$kind, format!($($fmt)+)))
    };
}
pub(crate) use bail;
